/**
 * What a terminal shows after all that was sent to it: the lines, without blanks at their ends. It's as wide as need be,
 * and knows what shells' line editors use.
 */
export function screenOf(sent: string): string[] {
  const screen = new Screen();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it takes apart
  for (const [, parameters = '', final = '', other = ''] of sent.matchAll(/\x1b\[([0-9;?]*)([@-~])|(.)/gs))
    if (final) screen.control(final, Number.parseInt(parameters, 10));
    else screen.put(other);
  return screen.lines;
}

class Screen {
  readonly #rows: string[][] = [[]];
  #row = 0;
  #column = 0;

  get lines(): string[] {
    return this.#rows.map(row =>
      Array.from(row, one => one ?? ' ')
        .join('')
        .trimEnd(),
    );
  }

  put(character: string): void {
    if (character === '\n') this.#goTo(this.#row + 1, this.#column);
    else if (character === '\r') this.#column = 0;
    else if (character === '\b') this.#column = Math.max(0, this.#column - 1);
    else if (character >= ' ') {
      (this.#rows[this.#row] as string[])[this.#column] = character;
      this.#column += 1;
    }
  }

  control(final: string, parameter: number): void {
    const count = parameter || 1;
    if (final === 'A') this.#goTo(this.#row - count, this.#column);
    if (final === 'C') this.#goTo(this.#row, this.#column + count);
    if (final === 'D') this.#goTo(this.#row, this.#column - count);
    if (final === 'K' || final === 'J') (this.#rows[this.#row] as string[]).length = this.#column;
    if (final === 'J') this.#rows.length = this.#row + 1;
  }

  #goTo(row: number, column: number): void {
    this.#row = Math.max(0, row);
    this.#column = Math.max(0, column);
    while (this.#rows.length <= this.#row) this.#rows.push([]);
  }
}
