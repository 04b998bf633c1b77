/** Bytes per second of one way of doing things, from pieces that take turns with other ways; newer ones count more. */
const DECAY = 0.9;

export class GoodputMeter {
  samples = 0;
  #bytes = 0;
  #ms = 0;

  add(bytes: number, elapsedMs: number): void {
    this.samples += 1;
    this.#bytes = this.#bytes * DECAY + bytes;
    this.#ms = this.#ms * DECAY + elapsedMs;
  }

  get bytesPerSecond(): number {
    return this.#ms > 0 ? (this.#bytes * 1_000) / this.#ms : Number.POSITIVE_INFINITY;
  }

  /** What was known is too old to go by. */
  forget(): void {
    this.samples = 0;
    this.#bytes = 0;
    this.#ms = 0;
  }
}
