/** Two ways to say how many bytes there are a second: for an eye, and for a decision. */

/** The last few seconds: steady enough to read, quick enough to show a stall. */
const SPAN_MS = 3_000;
/** What arrives within less time says nothing of a second. */
const SHORTEST_SPAN_MS = 50;

interface Sample {
  atMs: number;
  total: number;
}

/** The rate of one thing as time goes by. */
export class RateMeter {
  #samples: Sample[] = [];

  /** @param total - how many bytes there have been altogether at this time */
  update(total: number, atMs: number): void {
    this.#samples.push({ atMs, total });
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= SPAN_MS)
      this.#samples.shift();
  }

  /** Bytes per second; 0 while nothing is known. */
  get bytesPerSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.atMs - first.atMs < SHORTEST_SPAN_MS) return 0;
    return ((last.total - first.total) * 1_000) / (last.atMs - first.atMs);
  }
}

/** A piece counts a tenth less with each that comes after it. */
const DECAY = 0.9;

/** The rate of one way of doing things, from pieces that take turns with other ways; newer ones count more. */
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
