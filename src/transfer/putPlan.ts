/** Which of PROTOCOL.md §6 a put makes use of. */
import type { Session } from '../protocol/index.ts';
import type { WirePolicy } from './conflictResolver.ts';
import { isSlowLine, lineRate } from './lineSpeed.ts';
import { SMALL_FILE_BYTES } from './sourceStreams.ts';
import type { SourceInfo } from './sourceSystem.ts';
import type { CopyOptions } from './types.ts';

/**
 * What is known of a file's place in the guest: `new` is a folder that this copy has made, so nothing is there yet;
 * `old` a copied folder that was there before; `named` is where the user has put a single file.
 */
export type Place = 'new' | 'old' | 'named';

export interface PutPlan {
  /** Skip the file if size and mtime are the same. */
  unchanged: boolean;
  /** Go on where a broken-off copy ended, and leave something to go on with. */
  resume: boolean;
  /** Send only what the file that is there doesn't have. */
  basis: boolean;
  /** Nothing is sent before the receiver has accepted. */
  waits: boolean;
}

/** From here on a broken-off copy is worth going on with: some seconds on each line. */
const RESUME_BYTES = 1 << 20;
const SLOW_RESUME_BYTES = 256 * 1_024;
/** Below this two round trips and a signature cost more than they save. */
const DELTA_BYTES = 64 * 1_024;
const SMALLEST_DELTA_BYTES = 4_096;
/** A put that waits for an answer to another request must not hold the last stream. */
const DELTA_STREAMS = 4;

export function planPut(
  { welcome }: Session,
  info: SourceInfo,
  place: Place,
  policy: WirePolicy,
  options: Pick<CopyOptions, 'delta' | 'checksum'>,
): PutPlan {
  const can = (capability: string) => welcome.capabilities.has(capability);
  const isSlow = isSlowLine(welcome.device);
  const resume = can('resume') && info.size >= (isSlow ? SLOW_RESUME_BYTES : RESUME_BYTES);
  const mayReplace = place !== 'new' && (policy === 'overwrite' || policy === 'newer');
  const basis =
    mayReplace &&
    can('delta') &&
    welcome.streams >= DELTA_STREAMS &&
    wantsDelta(info.size, welcome.device, options);
  const unchanged = can('unchanged') && !options.checksum && skipsUnchanged(place, policy);
  const waits = unchanged || resume || basis || info.size > SMALL_FILE_BYTES;
  return { unchanged, resume, basis, waits };
}

/** Who asks for a second file beside the first gets it, whatever the first one holds. */
export function skipsUnchanged(place: Place, policy: WirePolicy): boolean {
  return place === 'old' && policy !== 'rename';
}

/** The same without what leans on bytes that the guest has already. */
export function withoutBasis(plan: PutPlan): PutPlan {
  return { ...plan, resume: false, basis: false };
}

/**
 * Whether the signature of a basis is expected to come sooner than the file itself. The guest reads and hashes the
 * basis for it.
 */
export function isDeltaWorthwhile(
  basisBytes: number,
  fileBytes: number,
  device: string,
  mode: CopyOptions['delta'],
): boolean {
  if (basisBytes < SMALLEST_DELTA_BYTES) return false;
  return mode === 'on' || basisBytes / GUEST_HASH_RATE < fileBytes / lineRate(device);
}

/** Bytes per second; what a guest without hardware help hashes. */
const GUEST_HASH_RATE = 20e6;

function wantsDelta(size: number, device: string, { delta = 'auto' }: Pick<CopyOptions, 'delta'>): boolean {
  if (delta === 'on') return size >= SMALLEST_DELTA_BYTES;
  return delta === 'auto' && device !== 'channel' && size >= DELTA_BYTES;
}
