import type * as vscode from 'vscode';

/** What was chosen last, to be offered first. */
export interface LastCopy {
  /** As `targetKey`. */
  readonly target: string;
  readonly destination: string;
}

const LAST = 'guestwire.lastCopy';
const DESTINATIONS = 'guestwire.destinations';
const MAX_DESTINATIONS = 100;

export class CopyMemory {
  readonly #state: vscode.Memento;

  constructor(state: vscode.Memento) {
    this.#state = state;
  }

  get last(): LastCopy | undefined {
    return this.#state.get<LastCopy>(LAST);
  }

  destinationOf(target: string): string | undefined {
    return this.#destinations.find(([key]) => key === target)?.[1];
  }

  async remember(target: string, destination: string): Promise<void> {
    await this.#state.update(LAST, { target, destination });
    const others = this.#destinations.filter(([key]) => key !== target);
    await this.#state.update(DESTINATIONS, [[target, destination], ...others].slice(0, MAX_DESTINATIONS));
  }

  get #destinations(): readonly (readonly [target: string, destination: string])[] {
    return this.#state.get(DESTINATIONS, []);
  }
}
