// A source file whose end com-dd doesn't get until a test allows it: a copy of it is in the middle for as long as the
// test needs, on a fast machine as on a slow one.
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Withholding, withholdingVariable } from './withholdReads.ts';

export class WithheldSource {
  /** For com-dd's process. */
  readonly environment: NodeJS.ProcessEnv;
  readonly #gate: string;

  /** Reads of `file` wait at `bytes`; a file beside it says that they may go on. */
  constructor(file: string, bytes: number) {
    this.#gate = `${file}.release`;
    const withholding: Withholding = { file, bytes, gate: this.#gate };
    this.environment = {
      NODE_OPTIONS: `--import=${pathToFileURL(`${import.meta.dirname}/withholdReads.ts`)}`,
      [withholdingVariable]: JSON.stringify(withholding),
    };
    this.hold();
  }

  hold(): void {
    fs.rmSync(this.#gate, { force: true });
  }

  release(): void {
    fs.writeFileSync(this.#gate, '');
  }
}
