import type * as vscode from 'vscode';

/** The last choice, which is offered first next time. */
export interface LastCopy {
  /** A `targetKey`. */
  readonly target: string;
  /** Further targets, if it was a copy into several guests. */
  readonly also?: readonly string[];
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

  async remember(targets: readonly string[], destination: string): Promise<void> {
    const [target, ...also] = targets;
    await this.#state.update(LAST, { target, also, destination });
    const others = this.#destinations.filter(([key]) => !targets.includes(key));
    const all = [...targets.map(key => [key, destination]), ...others];
    await this.#state.update(DESTINATIONS, all.slice(0, MAX_DESTINATIONS));
  }

  get #destinations(): readonly (readonly [target: string, destination: string])[] {
    return this.#state.get(DESTINATIONS, []);
  }
}
