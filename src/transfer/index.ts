export { type CopyTarget, copy } from './copy.ts';
export { copyToEach, copyToMany } from './copyToMany.ts';
export { TransferQueue, type Turn } from './queue.ts';
export { localDisk, type SourceFile, type SourceInfo, type SourceSystem } from './sourceSystem.ts';
export { SameNameError, TransferError } from './transferError.ts';
export type {
  Conflict,
  ConflictDecision,
  ConflictPolicy,
  CopyOptions,
  CopyProgress,
  CopyResult,
  FileResult,
  FolderNotes,
} from './types.ts';
