/** What all requests of one copy share. */
import type { Session } from '../protocol/index.ts';
import type { BundleMaker } from './bundle/bundleMaker.ts';
import type { FileSender } from './fileSender.ts';
import type { ProgressTracker } from './progressTracker.ts';
import type { SourceStreams } from './sourceStreams.ts';
import type { CopyOptions } from './types.ts';

export interface CopyContext {
  readonly session: Session;
  readonly streams: SourceStreams;
  readonly bundles: BundleMaker;
  readonly sender: FileSender;
  readonly tracker: ProgressTracker;
  readonly options: CopyOptions;
  /** Paths in the guest of whose unfinished files the receiver didn't say that it removed them. */
  readonly leftovers: Set<string>;
}
