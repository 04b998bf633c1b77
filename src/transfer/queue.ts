/** When which copy may run: one at a time on a link, several side by side on different ones. One may take several links. */
import { ProtocolError } from '../protocol/errors.ts';

export interface TransferQueueOptions {
  /** How many may run at once altogether; asked each time, for it may change. */
  readonly maxParallel: () => number;
}

interface Waiting {
  readonly lanes: readonly string[];
  readonly start: () => void;
}

/** First come, first served, within each lane and over all lanes that are free. */
export class TransferQueue {
  readonly #maxParallel: () => number;
  readonly #busyLanes = new Set<string>();
  #running = 0;
  #waiting: Waiting[] = [];

  constructor(options: TransferQueueOptions) {
    this.#maxParallel = options.maxParallel;
  }

  /**
   * Does the work when its turn comes.
   *
   * @param lanes - what can't be shared, such as the link: two of one lane never run at once
   * @throws ProtocolError `aborted` if the signal fires while it waits; then the work never starts. Once it runs, the
   * signal is the work's own matter.
   */
  async run<T>(lanes: readonly string[], work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#turn(lanes, signal);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      for (const lane of lanes) this.#busyLanes.delete(lane);
      this.startNext();
    }
  }

  /** To be called when `maxParallel` has grown. */
  startNext(): void {
    // Who needs several lanes keeps its place in each of them, or others would go before it for ever.
    const taken = new Set(this.#busyLanes);
    for (const waiting of [...this.#waiting]) {
      if (this.#running >= Math.max(1, this.#maxParallel())) return;
      const isFree = !waiting.lanes.some(lane => taken.has(lane));
      for (const lane of waiting.lanes) taken.add(lane);
      if (!isFree) continue;
      for (const lane of waiting.lanes) this.#busyLanes.add(lane);
      this.#running += 1;
      this.#waiting = this.#waiting.filter(other => other !== waiting);
      waiting.start();
    }
  }

  #turn(lanes: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = () => new ProtocolError('aborted', 'the copy was cancelled');
      if (signal?.aborted) return reject(aborted());
      const onAbort = () => {
        this.#waiting = this.#waiting.filter(other => other !== waiting);
        reject(aborted());
      };
      const start = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const waiting = { lanes, start };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiting);
      this.startNext();
    });
  }
}
