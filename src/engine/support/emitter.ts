/** An event without VS Code: the parts that don't draw anything are tested without it. */
export class Emitter<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** @returns how to stop listening. */
  on(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  fire(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}
