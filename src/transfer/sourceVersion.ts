/**
 * Which version of a file was seen: a file system tells by size and times. What a copy takes from a source is one
 * version of it, so they're compared before and after the reading. Writes through mapped memory may show in neither.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { TransferError } from './transferError.ts';

export interface SourceVersion {
  /** Bytes. */
  size: number;
  mtimeMs: number;
  /** The same to the nanosecond, where the source system knows it. */
  mtimeNs?: bigint;
  /** When anything about the file last changed: no program can set it. Undefined where there is no such time. */
  ctimeNs?: bigint | undefined;
  /** Its number in its file system, where there is one: another file may have the same size and times. */
  inode?: bigint | undefined;
}

/** The file changed between two looks at it, and what was read of it, if anything, is no version of it. */
export class SourceChanged extends TransferError {
  /** What it was when it was opened, where nothing was read of it because that isn't what was announced. */
  readonly found: SourceVersion | undefined;

  constructor(source: string, found?: SourceVersion) {
    super('source-changed', 'the source changed while it was read', source);
    this.found = found;
  }
}

export function isSameVersion(before: SourceVersion, now: SourceVersion): boolean {
  const { ctimeNs } = before;
  const isTouched = ctimeNs !== undefined && now.ctimeNs !== undefined && ctimeNs !== now.ctimeNs;
  return !isTouched && isSameSizeAndTime(before, now);
}

/** Its name, its owner or its mode may be others by now; that's no change of its content. */
export function isSameSizeAndTime(before: SourceVersion, now: SourceVersion): boolean {
  const { mtimeNs } = before;
  if (!isSameFile(before, now)) return false;
  const isSameTime =
    mtimeNs === undefined || now.mtimeNs === undefined
      ? before.mtimeMs === now.mtimeMs
      : mtimeNs === now.mtimeNs;
  return isSameTime && before.size === now.size;
}

/** Whether nothing says that it's another file, to which a link may lead by now. */
export function isSameFile({ inode }: SourceVersion, now: SourceVersion): boolean {
  return inode === undefined || now.inode === undefined || inode === now.inode;
}

/** A kernel's clock for files moves on once a tick, at most every 10 ms. */
const TICK_MS = 20;
/** Some file systems keep whole seconds, FAT every second one. */
const COARSE_TICK_MS = 2_000;
/** A file that somebody writes all the time is never older; what is read of it then shows in its size or its times. */
const MAX_WAITS = 3;

/**
 * How long until a write can be told by the file's times. A write within the same tick of the clock as the last one
 * leaves them as they are, so a file that has just been written could change unseen while it's read. (Git calls such
 * an entry of its index "racily clean".) It's read when the tick has passed; older files are read at once.
 */
export function unsettledMs(version: SourceVersion, nowMs = Date.now()): number {
  const { mtimeMs, mtimeNs, ctimeNs } = version;
  const changedMs = ctimeNs === undefined ? mtimeMs : Number(ctimeNs / 1_000_000n);
  const tickMs = isCoarse(mtimeNs ?? mtimeMs * 1e6) && isCoarse(ctimeNs ?? 0) ? COARSE_TICK_MS : TICK_MS;
  // The clock of a file server may be ahead of ours.
  return Math.min(tickMs, Math.max(0, changedMs + tickMs - nowMs));
}

function isCoarse(nanoseconds: bigint | number): boolean {
  return typeof nanoseconds === 'bigint' ? nanoseconds % 1_000_000_000n === 0n : nanoseconds % 1e9 === 0;
}

/** Waits until what is seen of a file tells it from whatever is written to it later. */
export async function settledVersion(look: () => Promise<SourceVersion>): Promise<SourceVersion> {
  let version = await look();
  for (let waits = 0; waits < MAX_WAITS; waits += 1) {
    const waitMs = unsettledMs(version);
    if (waitMs === 0) break;
    await delay(waitMs);
    const before = version;
    version = await look();
    // Nothing was written in a whole tick, whatever clock the file's times are of.
    if (isSameVersion(before, version)) break;
  }
  return version;
}

/** The same for many files that have been looked at: all are waited for together. */
export async function waitUntilSettled(versions: Iterable<SourceVersion>): Promise<void> {
  const nowMs = Date.now();
  let waitMs = 0;
  for (const version of versions) waitMs = Math.max(waitMs, unsettledMs(version, nowMs));
  if (waitMs > 0) await delay(waitMs);
}
