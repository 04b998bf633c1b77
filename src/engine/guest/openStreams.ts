import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** A stream that ends in order takes a second at most; this is for one that nobody ends. */
const CLOSE_LIMIT_MS = 3_000;

/**
 * The streams that were opened to one guest. A link that was tried in vain may still be writing what takes back its knock,
 * while the copy goes on elsewhere or the program is about to end.
 */
export class OpenStreams {
  readonly #streams = new Set<Duplex>();

  add(stream: Duplex): void {
    if (stream.closed) return;
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
  }

  /** Resolves when all are closed, or after three seconds; whoever uses one has to end it. */
  async closed(): Promise<void> {
    const closing = [...this.#streams].map(stream => new Promise(resolve => stream.once('close', resolve)));
    const limit = new AbortController();
    const late = delay(CLOSE_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([Promise.all(closing), late]);
    limit.abort();
  }
}
