/** A source file that is read as one version: the one that was announced to the guest, and not a byte beyond it. */
import { createHash } from 'node:crypto';
import { openSource } from './openSource.ts';
import type { SourceFile, SourceSystem } from './sourceSystem.ts';
import {
  isSameFile,
  isSameSizeAndTime,
  isSameVersion,
  SourceChanged,
  type SourceVersion,
  settledVersion,
} from './sourceVersion.ts';

/** The file has more by now than was copied; what was copied is its first part, unchanged. */
export type SourceChange = 'grown';

/** What a copy is about to read. */
export interface VersionedSource {
  readonly source: string;
  /** As it was looked at last, which is what the guest is told. */
  readonly info: SourceVersion;
  /** It has been looked at just now, because it had changed: if it's longer again, somebody writes on and on. */
  readonly isLookedAtAgain: boolean;
}

const BUFFER_BYTES = 256 * 1_024;
/** Each is a chance for a writer to leave the file alone for as long as it's read. */
const MAX_COMPARISONS = 3;

export class VersionedFile {
  readonly source: string;
  /** Bytes that are read of it: the size seen first. */
  readonly size: number;
  readonly #file: SourceFile;
  readonly #first: SourceVersion;
  #bytes = 0;

  private constructor(source: string, size: number, file: SourceFile, first: SourceVersion) {
    this.source = source;
    this.size = size;
    this.#file = file;
    this.#first = first;
  }

  /** @throws SourceChanged with `found` where it's not what `info` says */
  static async open(
    system: SourceSystem,
    { source, info, isLookedAtAgain }: VersionedSource,
  ): Promise<VersionedFile> {
    const file = await openSource(system, source);
    try {
      const found = await settledVersion(() => file.version());
      const isAsSeen =
        isSameSizeAndTime(info, found) ||
        (isLookedAtAgain && isSameFile(info, found) && found.size >= info.size);
      if (!isAsSeen) throw new SourceChanged(source, found);
      return new VersionedFile(source, info.size, file, found);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes that are still to be read. */
  get bytesLeft(): number {
    return this.size - this.#bytes;
  }

  /** As SourceFile's, up to `size`. */
  async read(buffer: Buffer): Promise<number> {
    const filled = await this.#file.read(buffer.subarray(0, this.bytesLeft));
    this.#bytes += filled;
    return filled;
  }

  /**
   * Whether all that was read is one version of the file.
   *
   * @param sha256 - of what was read
   * @throws SourceChanged
   */
  async finish(sha256: string): Promise<SourceChange | undefined> {
    const hasMore = this.size === 0 && (await this.#file.read(Buffer.allocUnsafe(1))) > 0;
    let last = await this.#file.version();
    // The kernel's own files have content, but no size.
    if (this.bytesLeft > 0 || (hasMore && last.size === 0)) throw new SourceChanged(this.source);
    if (!isSameVersion(this.#first, last)) last = await this.#compareAgain(sha256);
    return last.size > this.size ? 'grown' : undefined;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /**
   * The file is longer by now, or was renamed, or its mode changed: its times can't tell whether the first part was
   * written to as well, so it's read a second time. What comes twice, one time after the other, was there in between.
   */
  async #compareAgain(sha256: string): Promise<SourceVersion> {
    for (let comparison = 0; comparison < MAX_COMPARISONS; comparison += 1) {
      const before = await this.#file.version();
      const isLonger = before.size > this.#first.size;
      if (!isLonger && !isSameSizeAndTime(this.#first, before)) break;
      if ((await this.#hashAgain()) !== sha256) break;
      const after = await this.#file.version();
      // Somebody may append all the time.
      if (isSameVersion(before, after) || (isLonger && after.size > before.size)) return after;
    }
    throw new SourceChanged(this.source);
  }

  async #hashAgain(): Promise<string> {
    await this.#file.rewind();
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafeSlow(Math.min(BUFFER_BYTES, this.size));
    for (let left = this.size; left > 0; ) {
      const filled = await this.#file.read(buffer.subarray(0, left));
      if (filled === 0) break;
      hash.update(buffer.subarray(0, filled));
      left -= filled;
    }
    return hash.digest('hex');
  }
}
