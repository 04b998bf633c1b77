/** What a copy is told, what it reports on the way, and what it returns. Sizes in bytes, times as named. */
import type { FeatureMode } from '../text/featureMode.ts';
import type { SourceSystem } from './sourceSystem.ts';
import type { SourceChange } from './versionedFile.ts';

/** `fail` is `ask` without anybody to ask: an existing different file is an error. */
export type ConflictPolicy = 'ask' | 'fail' | 'overwrite' | 'skip' | 'newer' | 'rename';

export interface Conflict {
  source: string;
  /** Path in the guest; comes from the guest, so make it harmless before showing it. */
  destination: string;
  sourceInfo: { size: number; mtimeMs: number };
  existing: { type: string; size: number; mtimeMs: number };
  /** What exists was put there by this very copy, from another source. */
  isJustMade?: boolean;
}

export interface ConflictDecision {
  action: 'overwrite' | 'skip' | 'rename' | 'cancel';
  /** Do the same with all further conflicts of this copy. */
  forAll?: boolean;
}

export interface CopyProgress {
  /** The source file last worked on. */
  file: string;
  filesDone: number;
  /** Grows while the sources are still being counted. */
  filesTotal: number;
  /** Bytes of files that the receiver has acknowledged. */
  bytesDone: number;
  bytesTotal: number;
  wireBytes: number;
  bytesPerSecond: number;
  wireBytesPerSecond: number;
  /** Undefined until the sources are counted and a rate is known. */
  etaSeconds: number | undefined;
}

export interface CopyOptions {
  conflict: ConflictPolicy;
  /** Asked for policy `ask`, one conflict at a time. */
  onConflict?: (conflict: Conflict) => Promise<ConflictDecision>;
  /** `auto` compresses where that is measured to be faster, `on` whatever gets smaller; default `auto`. */
  compression?: FeatureMode;
  /** Whether only what changed of an existing file is sent; `auto`, the default, where that is expected to be faster. */
  delta?: FeatureMode;
  /** Compare files that are there already by their content rather than by size and mtime. */
  checksum?: boolean;
  /** About ten times a second. */
  onProgress?: (progress: CopyProgress) => void;
  /** Told what had been done when the copy as a whole fails or is cancelled, right before it rejects. */
  onInterrupted?: (result: CopyResult) => void;
  signal?: AbortSignal;
  /**
   * Cancelling leaves what has arrived of a large file in the guest, for another copy to go on with; without it nothing
   * unfinished stays. Needs the receiver's capability `resume`.
   */
  keepPartial?: boolean;
  /** Where the sources are read from; the local disk if not given. */
  sourceSystem?: SourceSystem;
}

/** Why a file was not copied. */
export interface FileFailure {
  /** PROTOCOL.md's, the transfer's own, or Node's for the source. */
  readonly code: string;
  /** English, for logs. */
  readonly message: string;
  /** The receiver's own words, if it was the receiver who refused. */
  readonly says?: string | undefined;
}

export interface FileResult {
  source: string;
  destination: string;
  bytes: number;
  /** Null where nothing was hashed (symbolic links, failures, files skipped by name). */
  sha256: string | null;
  /** The guest's own hash equals ours; for a symbolic link, its target. */
  verified: boolean;
  skipped: boolean;
  /** A symbolic link, which has no content of its own. */
  symlink?: true;
  /** Skipped because size and mtime are the same. */
  unchanged?: true;
  /** What it could not get or keep in the guest, such as `mode` and `times`. */
  notes?: readonly string[];
  /** `grown`: what was copied, or was in the guest already, is the first part of a source that has more by now. */
  changed?: SourceChange;
  error?: FileFailure;
}

/** A folder of the copy that could not get all that it should have. */
export interface FolderNotes {
  readonly source: string;
  readonly destination: string;
  readonly notes: readonly string[];
}

export interface CopyResult {
  files: FileResult[];
  /** Those with notes. */
  folders?: readonly FolderNotes[];
  /** Bytes of the files that were sent. */
  bytes: number;
  /** Bytes on the link in both directions, all overhead included. */
  wireBytes: number;
  seconds: number;
  bytesPerSecond: number;
  /** Bytes that an earlier, broken-off copy had already brought over. */
  resumedFrom: number;
  /** Ports that were used side by side at the end. */
  lanes: number;
  /** Where in the guest something unfinished may be, since the receiver didn't say in time that it's gone. */
  leftovers?: readonly string[];
  /** The folder that the sources went into, as the destination was written; a copy to a device has none. */
  folder?: string | undefined;
}
