/** Seeded, so that a failure can be repeated: mulberry32. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to limit − 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** The same bytes in chunks of 1 to `maxBytes`. */
  *chunksOf(bytes: Buffer, maxBytes: number): Generator<Buffer> {
    for (let offset = 0; offset < bytes.length; ) {
      const length = 1 + this.below(maxBytes);
      yield bytes.subarray(offset, offset + length);
      offset += length;
    }
  }
}
