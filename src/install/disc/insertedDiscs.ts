import type { InsertedDisc } from './insertDisc.ts';

/** What of VS Code's Memento is used. */
export interface DiscStore {
  get<T>(key: string, otherwise: T): T;
  update(key: string, value: unknown): PromiseLike<void>;
}

type StoredDisc = readonly [domain: string, disc: InsertedDisc];

const KEY = 'guestwire.insertedDiscs';
/** More than anybody has in drives at a time; those of domains that are gone would stay for ever. */
const MAX = 100;

/** Which domains have our CD in a drive, and what was there before. It outlives the window. */
export class InsertedDiscs {
  readonly #store: DiscStore;

  constructor(store: DiscStore) {
    this.#store = store;
  }

  get(domain: string): InsertedDisc | undefined {
    return this.#entries.find(([key]) => key === domain)?.[1];
  }

  async remember(domain: string, disc: InsertedDisc): Promise<void> {
    await this.#store.update(KEY, [[domain, disc], ...this.#without(domain)].slice(0, MAX));
  }

  async forget(domain: string): Promise<void> {
    await this.#store.update(KEY, this.#without(domain));
  }

  get #entries(): readonly StoredDisc[] {
    return this.#store.get<readonly StoredDisc[]>(KEY, []);
  }

  #without(domain: string): StoredDisc[] {
    return this.#entries.filter(([key]) => key !== domain);
  }
}
