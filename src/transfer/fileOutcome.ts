/** What became of one file or link, before it is a FileResult. */
import type { Reply } from '../protocol/index.ts';
import type { SourceHash } from './sourceStreams.ts';
import type { FileResult } from './types.ts';

export type FileOutcome = Omit<FileResult, 'source' | 'symlink' | 'error'>;

/** The receiver has skipped it: by name, or because size and mtime are the same. */
export function skippedOutcome(reply: Reply, path: string): FileOutcome {
  const outcome = {
    destination: reply.get('path') ?? path,
    bytes: 0,
    sha256: null,
    verified: false,
    skipped: true,
  };
  return reply.get('skipped') === 'unchanged' ? { ...outcome, unchanged: true } : outcome;
}

/** The guest has it already, byte for byte. */
export function identicalOutcome({ sha256, changed }: SourceHash, destination: string): FileOutcome {
  return { destination, bytes: 0, sha256, verified: true, skipped: true, ...(changed && { changed }) };
}
