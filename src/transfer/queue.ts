/** When which copy may run: one at a time on a link, several side by side on different ones. One may take several links. */
import { abortError } from '../text/abort.ts';

export interface TransferQueueOptions {
  /** How many may run at once altogether; asked each time, because it may change. */
  readonly maxParallel: () => number;
}

/** What a work may do with its turn while it has it. */
export interface Turn {
  /** Goes on with the other resource, and lets those start who wait for the first: they run beside it. */
  exchange(resource: string, other: string): void;
  /** Resolves when nobody is left who has given the resource away and still runs; undefined if there's nobody. */
  whenAlone(resource: string): Promise<unknown> | undefined;
}

interface Waiting {
  readonly resources: readonly string[];
  readonly start: () => void;
}

/** First come, first served, for each resource and over all that are free. */
export class TransferQueue {
  readonly #maxParallel: () => number;
  readonly #busyResources = new Set<string>();
  /** The ends of those who run without a resource that they had, by the resource. */
  readonly #beside = new Map<string, Set<Promise<void>>>();
  #running = 0;
  #waiting: Waiting[] = [];

  constructor(options: TransferQueueOptions) {
    this.#maxParallel = options.maxParallel;
  }

  /**
   * Does the work when its turn comes.
   *
   * @param resources - what can't be shared, such as the link: two that need one of them never run at once
   * @throws AbortError if the signal fires while it waits; then the work never starts. Once it runs, the
   * signal is the work's own matter.
   */
  async run<T>(
    resources: readonly string[],
    work: (turn: Turn) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    await this.#turn(resources, signal);
    const held = new Set(resources);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    try {
      return await work({
        exchange: (resource, other) => this.#exchange(held, resource, other, ended),
        whenAlone: resource => this.#whenAlone(resource, ended),
      });
    } finally {
      this.#running -= 1;
      for (const resource of held) this.#busyResources.delete(resource);
      for (const beside of this.#beside.values()) beside.delete(ended);
      end();
      this.startNext();
    }
  }

  /** To be called when `maxParallel` has grown. */
  startNext(): void {
    // Who needs several resources keeps its place in each of them, or others would go before it for ever.
    const taken = new Set(this.#busyResources);
    for (const waiting of [...this.#waiting]) {
      if (this.#running >= Math.max(1, this.#maxParallel())) return;
      const isFree = !waiting.resources.some(resource => taken.has(resource));
      for (const resource of waiting.resources) taken.add(resource);
      if (!isFree) continue;
      for (const resource of waiting.resources) this.#busyResources.add(resource);
      this.#running += 1;
      this.#waiting = this.#waiting.filter(other => other !== waiting);
      waiting.start();
    }
  }

  #exchange(held: Set<string>, resource: string, other: string, ended: Promise<void>): void {
    if (!held.delete(resource)) return;
    this.#busyResources.delete(resource);
    held.add(other);
    this.#busyResources.add(other);
    const beside = this.#beside.get(resource) ?? new Set();
    this.#beside.set(resource, beside.add(ended));
    this.startNext();
  }

  #whenAlone(resource: string, own: Promise<void>): Promise<unknown> | undefined {
    const others = [...(this.#beside.get(resource) ?? [])].filter(ended => ended !== own);
    return others.length > 0 ? Promise.all(others) : undefined;
  }

  #turn(resources: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError());
      const onAbort = () => {
        this.#waiting = this.#waiting.filter(other => other !== waiting);
        reject(abortError());
      };
      const start = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const waiting = { resources, start };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiting);
      this.startNext();
    });
  }
}
