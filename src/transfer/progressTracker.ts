/** Counts what a copy has done and reports it, not more often than an eye can follow. */
import { RateMeter } from './meters.ts';
import type { CopyProgress } from './types.ts';

const REPORT_MS = 100;

export class ProgressTracker {
  filesDone = 0;
  filesTotal = 0;
  bytesTotal = 0;
  /** The sources are all counted: totals are final. */
  counted = false;
  resumedBytes = 0;
  file = '';
  readonly #link: { readonly wireBytes: number };
  readonly #wireBytesBefore: number;
  readonly #startedAt = performance.now();
  readonly #report: ((progress: CopyProgress) => void) | undefined;
  readonly #rate = new RateMeter();
  readonly #wireRate = new RateMeter();
  #bytesDone = 0;
  /** Only grows: what was brought over for a file that failed then has been work, too. */
  #bytesMoved = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param link - what counts the bytes that go over it; those until now are none of this copy's */
  constructor(link: { readonly wireBytes: number }, report: ((progress: CopyProgress) => void) | undefined) {
    this.#link = link;
    this.#wireBytesBefore = link.wireBytes;
    this.#report = report;
  }

  get wireBytes(): number {
    return this.#link.wireBytes - this.#wireBytesBefore;
  }

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  get bytesDone(): number {
    return this.#bytesDone;
  }

  addBytes(count: number): void {
    this.#bytesDone += count;
    this.#bytesMoved += count;
  }

  /** Bytes that an earlier copy has brought over: done, but no work of this one. */
  resume(count: number): void {
    this.#bytesDone += count;
    this.resumedBytes += count;
  }

  /** A file failed or was cancelled: nothing of it is done. */
  takeBack(added: number, resumed: number): void {
    this.#bytesDone -= added + resumed;
    this.resumedBytes -= resumed;
  }

  start(): void {
    if (!this.#report) return;
    this.#emit();
    this.#timer = setInterval(() => this.#emit(), REPORT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#report) this.#emit();
  }

  #emit(): void {
    const now = performance.now();
    const { wireBytes } = this;
    this.#rate.update(this.#bytesMoved, now);
    this.#wireRate.update(wireBytes, now);
    const bytesPerSecond = this.#rate.bytesPerSecond;
    const left = Math.max(0, this.bytesTotal - this.#bytesDone);
    this.#report?.({
      file: this.file,
      filesDone: this.filesDone,
      filesTotal: this.filesTotal,
      bytesDone: this.#bytesDone,
      bytesTotal: this.bytesTotal,
      wireBytes,
      bytesPerSecond,
      wireBytesPerSecond: this.#wireRate.bytesPerSecond,
      etaSeconds: this.counted && bytesPerSecond > 0 ? left / bytesPerSecond : undefined,
    });
  }
}
