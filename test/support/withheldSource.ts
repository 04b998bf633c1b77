// A source file of which com-dd gets only so much until a test allows more: a copy of it is in the middle for as long as
// the test needs, on a fast machine as on a slow one.
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Withholding, withholdingVariable } from './withholdReads.ts';

export class WithheldSource {
  /** For com-dd's process. */
  readonly environment: NodeJS.ProcessEnv;
  readonly #bytes: number;
  readonly #allowance: string;

  /** Reads of `file` wait at `bytes`. */
  constructor(file: string, bytes: number) {
    this.#bytes = bytes;
    this.#allowance = `${file}.allowance`;
    const withholding: Withholding = { file, allowance: this.#allowance };
    this.environment = {
      NODE_OPTIONS: `--import=${pathToFileURL(`${import.meta.dirname}/withholdReads.ts`)}`,
      [withholdingVariable]: JSON.stringify(withholding),
    };
    this.hold();
  }

  /** As at first. */
  hold(): void {
    this.allow(this.#bytes);
  }

  allow(bytes: number): void {
    // Whole at once: a reader never finds half a number.
    fs.writeFileSync(`${this.#allowance}.new`, String(bytes));
    fs.renameSync(`${this.#allowance}.new`, this.#allowance);
  }

  release(): void {
    this.allow(Number.MAX_SAFE_INTEGER);
  }
}
