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
  #takenBack = 0;
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
  }

  /** Bytes that were counted, and have to be sent again or count for nothing: work they were all the same. */
  takeBack(count: number): void {
    this.#bytesDone -= count;
    this.#takenBack += count;
  }

  /** Bytes that an earlier copy has brought over: done, but no work of this one. */
  resume(count: number): void {
    this.#bytesDone += count;
    this.resumedBytes += count;
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
    this.#rate.update(this.#bytesDone + this.#takenBack - this.resumedBytes, now);
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
