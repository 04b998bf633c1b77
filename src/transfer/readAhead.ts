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
  const waiting: To[] = [];
  let weight = 0;
  let state: 'open' | 'ended' | 'unwanted' = 'open';
  let change = Promise.withResolvers<void>();
  const changed = () => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const isFull = () => waiting.length >= options.maxItems || weight >= options.maxWeight;
  const taking = (async () => {
    for await (const item of items) {
      const known = options.onKnown(item);
      waiting.push(known);
      weight += options.weightOf(known);
      changed();
      while (state === 'open' && isFull()) await change.promise;
      if (state !== 'open') return;
    }
  })().finally(() => {
    state = 'ended';
    changed();
  });
  // Told below, when its turn has come.
  taking.catch(() => undefined);
  try {
    while (waiting.length > 0 || state === 'open') {
      const item = waiting.shift();
      if (item === undefined) await change.promise;
      else {
        weight -= options.weightOf(item);
        changed();
        yield item;
      }
    }
    await taking;
  } finally {
    if (state === 'open') state = 'unwanted';
    changed();
    await taking.catch(() => undefined);
  }
}
