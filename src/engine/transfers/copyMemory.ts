import { type Target, targetKey } from '../guest/target.ts';

/** VS Code's Memento, as far as it's needed. What it keeps is plain data. */
interface KeptState {
  get<T>(key: string): T | undefined;
  get<T>(key: string, fallback: T): T;
  update(key: string, value: unknown): PromiseLike<void>;
}

/** Where files went: a folder, for a name belongs to its source. */
export interface CopyPlace {
  readonly target: Target;
  /** With a separator at its end. */
  readonly folder: string;
}

/** One copy of the user's, into one guest or several. */
export interface LastCopy {
  /** When the user chose it. */
  readonly at: number;
  readonly places: readonly CopyPlace[];
}

/** The number changes when `LastCopy` does: what an older version left is then forgotten. */
const LAST = 'guestwire.lastCopy.3';
/** Not `guestwire.destinations`, where older versions kept whatever was typed, also a file's path. */
const FOLDERS = 'guestwire.folders';
const MAX_FOLDERS = 100;

type Folders = readonly (readonly [targetKey: string, folder: string])[];

/** The places of earlier copies, which are offered first. Only a copy that put something there is remembered. */
export class CopyMemory {
  readonly #state: KeptState;

  constructor(state: KeptState) {
    this.#state = state;
  }

  get last(): LastCopy | undefined {
    return this.#state.get<LastCopy>(LAST);
  }

  folderOf(target: Target): string | undefined {
    return this.#folders.find(([key]) => key === targetKey(target))?.[1];
  }

  /** @param at - when the user chose the copy; the parts of one copy have it in common */
  async remember(at: number, place: CopyPlace): Promise<void> {
    const key = targetKey(place.target);
    const { last } = this;
    if (!last || at >= last.at) {
      const others = last?.at === at ? last.places.filter(({ target }) => targetKey(target) !== key) : [];
      await this.#state.update(LAST, { at, places: [...others, place] } satisfies LastCopy);
    }
    const others = this.#folders.filter(([other]) => other !== key);
    await this.#state.update(FOLDERS, [[key, place.folder], ...others].slice(0, MAX_FOLDERS));
  }

  get #folders(): Folders {
    return this.#state.get<Folders>(FOLDERS, []);
  }
}
