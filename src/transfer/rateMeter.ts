/** Rate over the last few seconds: steady enough to read, quick enough to show a stall. */
const SPAN_MS = 3_000;

interface Sample {
  atMs: number;
  total: number;
}

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
    if (!first || !last || last.atMs <= first.atMs) return 0;
    return ((last.total - first.total) * 1_000) / (last.atMs - first.atMs);
  }
}
