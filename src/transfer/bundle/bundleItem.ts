/** What goes over in a bundle with others: that for which a request of its own would do no more. */
import type { Welcome } from '../../protocol/index.ts';
import type { WirePolicy } from '../conflictResolver.ts';
import type { FileOutcome } from '../fileOutcome.ts';
import type { Place } from '../putPlan.ts';
import type { SourceInfo } from '../sourceSystem.ts';
import type { SourceEntry } from '../sourceTree.ts';
import type { CopyOptions } from '../types.ts';

/** A small file, or a directory's making or attributes. */
export interface BundleItem {
  readonly kind: 'file' | 'directory' | 'attributes';
  readonly entry: SourceEntry;
  /** Relative to the bundles' directory, parts joined by `/`. */
  readonly name: Buffer;
  /** In the guest. */
  readonly path: string;
  /** Nothing is expected to be there, or it may be replaced: no need to ask. */
  readonly isNew: boolean;
  /** Done if what is there has this size and mtime. */
  readonly skipsUnchanged: boolean;
  /** It went over, or need not; a directory has no outcome. */
  done(outcome: FileOutcome | undefined): void;
  /** Of a directory: what it could not get. */
  noted?(notes: readonly string[]): void;
  /** Sends it by a request of its own, which says what is the matter; resolves when that is answered, never rejects. */
  sendSeparately(): Promise<void>;
  /** The copy as a whole is over. */
  fail(error: unknown): void;
}

/** A larger one costs less as a put than it delays the others; `auto` never looks for a smaller one's changes either. */
const MAX_FILE_BYTES = 64 * 1_024;
/** Bundles must leave some to puts that need a second request for their answer. */
const MIN_STREAMS = 16;

export function canBundle({ capabilities, streams }: Welcome): boolean {
  return capabilities.has('bundle') && streams >= MIN_STREAMS;
}

export function goesInBundle(
  { size }: SourceInfo,
  place: Place,
  options: Pick<CopyOptions, 'checksum' | 'delta'>,
): boolean {
  if (size >= MAX_FILE_BYTES) return false;
  return place === 'new' || !(options.checksum || options.delta === 'on');
}

/** Whether a file's contents are sent without asking first what is there. */
export function isSentUnasked(place: Place, policy: WirePolicy): boolean {
  return place === 'new' || (place === 'named' && policy === 'overwrite');
}
