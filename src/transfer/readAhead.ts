/** Takes items out of their source before their turn has come, so that what takes long can be begun early. */

interface AheadOptions<From, To> {
  /** Items that wait at most, and what they weigh together at most; a single one may weigh more. */
  readonly maxItems: number;
  readonly maxWeight: number;
  weightOf(item: To): number;
  /** Called with each as soon as it is known. */
  onKnown(item: From): To;
}

/** The items in their order. When nobody wants more, nothing more is taken, and the source is closed. */
export async function* readAhead<From, To>(
  items: AsyncIterable<From>,
  options: AheadOptions<From, To>,
): AsyncGenerator<To> {
  const store = new Store(options);
  const filling = store.fill(items);
  // Its failure is reported below, after the items that came before it.
  filling.catch(() => undefined);
  try {
    yield* store.take();
    await filling;
  } finally {
    store.close();
    await filling.catch(() => undefined);
  }
}

/** What has been taken out of the source and not been handed on. */
class Store<From, To> {
  readonly #options: AheadOptions<From, To>;
  readonly #waiting: To[] = [];
  #weight = 0;
  #state: 'open' | 'ended' | 'unwanted' = 'open';
  #change = Promise.withResolvers<void>();

  constructor(options: AheadOptions<From, To>) {
    this.#options = options;
  }

  async fill(items: AsyncIterable<From>): Promise<void> {
    try {
      for await (const item of items) {
        this.#add(this.#options.onKnown(item));
        while (this.#state === 'open' && this.#isFull) await this.#change.promise;
        if (this.#state !== 'open') return;
      }
    } finally {
      this.#state = 'ended';
      this.#changed();
    }
  }

  async *take(): AsyncGenerator<To> {
    while (this.#waiting.length > 0 || this.#state === 'open') {
      const item = this.#waiting.shift();
      if (item === undefined) await this.#change.promise;
      else {
        this.#weight -= this.#options.weightOf(item);
        this.#changed();
        yield item;
      }
    }
  }

  /** Nobody wants more. */
  close(): void {
    if (this.#state === 'open') this.#state = 'unwanted';
    this.#changed();
  }

  get #isFull(): boolean {
    return this.#waiting.length >= this.#options.maxItems || this.#weight >= this.#options.maxWeight;
  }

  #add(item: To): void {
    this.#waiting.push(item);
    this.#weight += this.#options.weightOf(item);
    this.#changed();
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
