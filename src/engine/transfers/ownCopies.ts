import type { Conflict } from '../../transfer/index.ts';

/** A file as copying leaves it in the guest: with the source's size and time. */
export type LeftFile = Pick<Conflict, 'source'> & Pick<Conflict['existing'], 'size' | 'mtimeMs'>;

/** Some work's files; a copy of a whole source tree must not fill the memory. */
const MAX_FILES = 2_000;
/** File systems keep times as coarsely as that. */
const TIME_GRAIN_MS = 2_000;

/**
 * What this window's copies left in the guests. A file that is still as it was left there may be replaced by a later copy
 * of the same source without asking: nobody's work is lost. Another source's file is somebody's, whoever copied it.
 */
export class OwnCopies {
  readonly #files = new Map<string, LeftFile>();

  left(target: string, destination: string, file: LeftFile): void {
    const key = keyOf(target, destination);
    // Anew at the end: what was copied longest ago goes first.
    this.#files.delete(key);
    this.#files.set(key, file);
    for (const oldest of this.#files.keys()) {
      if (this.#files.size <= MAX_FILES) return;
      this.#files.delete(oldest);
    }
  }

  isAsLeft(target: string, { source, destination, existing, isJustMade }: Conflict): boolean {
    const file = this.#files.get(keyOf(target, destination));
    if (file?.source !== source || isJustMade || existing.type !== 'file') return false;
    return file.size === existing.size && Math.abs(file.mtimeMs - existing.mtimeMs) < TIME_GRAIN_MS;
  }
}

function keyOf(target: string, destination: string): string {
  return `${target}\n${destination}`;
}
