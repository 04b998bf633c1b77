/** Which files go in bundles: those for which a put would do no more than a bundle does. */
import type { Welcome } from '../../protocol/index.ts';
import type { WirePolicy } from '../conflictResolver.ts';
import type { Place } from '../putPlan.ts';
import type { SourceInfo } from '../sourceSystem.ts';
import type { CopyOptions } from '../types.ts';

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
