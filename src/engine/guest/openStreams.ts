import type { Duplex } from 'node:stream';

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

  /** Resolves when all are closed; whoever uses one has to end it. */
  async closed(): Promise<void> {
    const closing = [...this.#streams].map(stream => new Promise(resolve => stream.once('close', resolve)));
    await Promise.all(closing);
  }
}
