/**
 * How fast one lane is, from the time in which it had frames under way; the last second or two count. A rate over all
 * time would take too long to notice that a port has become slower.
 */

/** Twice as much is halved, bytes and time alike: the older, the less it weighs. */
const MEMORY_MS = 1_000;

export class LaneRate {
  #bytes = 0;
  #busyMs = 0;
  #lastAt: number | undefined;

  /** Undefined until something has arrived. */
  get bytesPerMs(): number | undefined {
    return this.#bytes > 0 ? this.#bytes / Math.max(this.#busyMs, 1) : undefined;
  }

  acknowledged(bytes: number): void {
    this.#bytes += bytes;
  }

  /** @param wasBusy - frames were under way since the last call */
  observe(wasBusy: boolean, now: number): void {
    if (wasBusy) this.#busyMs += now - (this.#lastAt ?? now);
    this.#lastAt = now;
    if (this.#busyMs < 2 * MEMORY_MS) return;
    this.#bytes /= 2;
    this.#busyMs /= 2;
  }
}
