const BARS = '▁▂▃▄▅▆▇█';

/** A graph of text, one character a value, scaled to the largest. */
export function sparkline(values: readonly number[]): string {
  const largest = Math.max(...values, 0);
  const top = BARS.length - 1;
  return values.map(value => BARS[largest > 0 ? Math.round((value / largest) * top) : 0] ?? '').join('');
}

/** The last few values. */
export class History {
  readonly #length: number;
  #values: number[] = [];

  constructor(length: number) {
    this.#length = length;
  }

  get values(): readonly number[] {
    return this.#values;
  }

  add(value: number): void {
    this.#values = [...this.#values, value].slice(-this.#length);
  }

  clear(): void {
    this.#values = [];
  }
}
