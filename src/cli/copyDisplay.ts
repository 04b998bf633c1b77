import type { Conflict, ConflictDecision, CopyProgress } from '../transfer/index.ts';
import { askConflict } from './askConflict.ts';
import { ProgressLine } from './progressLine.ts';
import { isInteractive, printError, type Terminal } from './terminal.ts';

/** What the terminal shows while a copy runs, into one guest or several: progress, notes and questions. */
export class CopyDisplay {
  readonly #terminal: Terminal;
  readonly #signal: AbortSignal;
  readonly #line: ProgressLine;
  readonly #progress = new Map<string, CopyProgress>();
  readonly #onAbort = () => this.#line.text('Cancelling…');
  /** Two guests may have a question at the same time; the terminal takes one. */
  #lastQuestion: Promise<unknown> = Promise.resolve();
  #isAsking = false;

  constructor(terminal: Terminal, quiet: boolean, signal: AbortSignal) {
    this.#terminal = terminal;
    this.#signal = signal;
    this.#line = new ProgressLine(terminal.stderr, quiet);
  }

  /** Whether somebody is there to answer. */
  get canAsk(): boolean {
    return isInteractive(this.#terminal);
  }

  start(domains: readonly string[]): void {
    const what = domains.length > 1 ? 'the receivers' : `the receiver in ${domains[0]}`;
    this.#line.text(`Looking for ${what}…`);
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  stop(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#line.clear();
  }

  /** Shows the guest that has the longest way to go: the copy is done when that one is. */
  show(domain: string, progress: CopyProgress): void {
    this.#progress.set(domain, progress);
    const slowest = [...this.#progress.values()].reduce((one, other) =>
      bytesLeft(other) > bytesLeft(one) ? other : one,
    );
    if (!this.#isAsking && !this.#signal.aborted) this.#line.show(slowest);
  }

  note(notes: readonly string[]): void {
    if (notes.length > 0) this.#line.clear();
    for (const note of notes) printError(this.#terminal, note);
  }

  ask(label: string, conflict: Conflict): Promise<ConflictDecision> {
    const answer = this.#lastQuestion.then(() => this.#askNow(label, conflict));
    this.#lastQuestion = answer.catch(() => undefined);
    return answer;
  }

  async #askNow(label: string, conflict: Conflict): Promise<ConflictDecision> {
    this.#line.clear();
    this.#isAsking = true;
    try {
      if (!this.#signal.aborted) this.#terminal.stderr.write(label);
      return await askConflict(this.#terminal, conflict, this.#signal);
    } finally {
      this.#isAsking = false;
    }
  }
}

function bytesLeft({ bytesTotal, bytesDone }: CopyProgress): number {
  return bytesTotal - bytesDone;
}
