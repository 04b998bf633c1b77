import type * as vscode from 'vscode';
import { type Target, targetKey } from '../../engine/guest/target.ts';

/** The last choice, which is offered first next time. */
export interface LastCopy {
  readonly targets: readonly Target[];
  readonly destination: string;
}

/** The number changes when `LastCopy` does: what an older version left is then forgotten. */
const LAST = 'guestwire.lastCopy.2';
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

  destinationOf(target: Target): string | undefined {
    return this.#destinations.find(([key]) => key === targetKey(target))?.[1];
  }

  async remember(targets: readonly Target[], destination: string): Promise<void> {
    const last: LastCopy = { targets, destination };
    await this.#state.update(LAST, last);
    const keys = targets.map(targetKey);
    const others = this.#destinations.filter(([key]) => !keys.includes(key));
    const all = [...keys.map(key => [key, destination]), ...others];
    await this.#state.update(DESTINATIONS, all.slice(0, MAX_DESTINATIONS));
  }

  get #destinations(): readonly (readonly [targetKey: string, destination: string])[] {
    return this.#state.get(DESTINATIONS, []);
  }
}
