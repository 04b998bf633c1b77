/**
 * The names that a copy itself has taken in the guest, so that none of its sources replaces what another has just
 * brought. Kept only where that can happen: in folders that several named ones merge into, and in a guest that ignores
 * case, of the directories being walked.
 */
import type { Session } from '../protocol/index.ts';
import type { FileOutcome } from './fileOutcome.ts';
import { lastName } from './guestPath.ts';
import { ignoresCase, nameKey } from './nameKey.ts';

export interface TakenName {
  readonly isDirectory: boolean;
  /** Which of the named sources had it first. */
  readonly source: number;
  /** Something of this copy has the name now; undefined until the guest has answered. */
  isThere: boolean | undefined;
}

export interface Claim {
  readonly name: TakenName;
  /** Something else of this copy had the name before. */
  readonly isSecond: boolean;
  /** A folder that can't be made: a file has its name, or it would be mixed with one that only its case tells apart. */
  readonly isBlocked: boolean;
}

interface Level {
  readonly directory: string;
  readonly names: Map<string, TakenName>;
}

/** Can be in no name of any guest. */
const SEPARATOR = '/';

export class TakenNames {
  readonly #session: Session;
  readonly #merged: ReadonlySet<string>;
  /** By path below the destination, of what's in merged folders. */
  readonly #inMerged = new Map<string, TakenName>();
  /** From the destination down to the directory being walked. */
  #levels: Level[] = [];

  /** @param merged - names, as `nameKey` has them, that several of the named folders share */
  constructor(session: Session, merged: ReadonlySet<string>) {
    this.#session = session;
    this.#merged = merged;
  }

  /** @param name - of a named source */
  isMerged(name: string): boolean {
    return this.#merged.has(nameKey(this.#session, name));
  }

  /**
   * To be called in the order of the walk, for what's inside a named folder.
   *
   * @param below - names from the destination down
   * @returns undefined where nothing else can have the name
   */
  claim(below: readonly string[], isDirectory: boolean, source: number): Claim | undefined {
    if (this.#merged.size === 0 && !ignoresCase(this.#session)) return undefined;
    const parts = below.map(part => nameKey(this.#session, part));
    const isMerged = this.#merged.has(parts[0] ?? '');
    const name = parts.at(-1);
    if (name === undefined || !(isMerged || ignoresCase(this.#session))) return undefined;
    const [names, key] = isMerged
      ? [this.#inMerged, parts.join(SEPARATOR)]
      : [this.#namesIn(parts.slice(0, -1).join(SEPARATOR), source), name];
    const earlier = names.get(key);
    if (earlier)
      return { name: earlier, isSecond: true, isBlocked: isDirectory && blocksDirectory(earlier, source) };
    const taken = { isDirectory, source, isThere: undefined };
    names.set(key, taken);
    return { name: taken, isSecond: false, isBlocked: false };
  }

  /** Passes the outcome on, and notes whether the name is now taken. */
  async follow(
    { name }: Claim,
    path: string,
    outcome: Promise<FileOutcome | undefined>,
  ): Promise<FileOutcome | undefined> {
    if (!name.isThere) name.isThere = undefined;
    try {
      const done = await outcome;
      name.isThere ||= done !== undefined && this.#hasName(done, path);
      return done;
    } catch (error) {
      name.isThere ||= false;
      throw error;
    }
  }

  /** Directories that the walk has left are forgotten. */
  #namesIn(directory: string, source: number): Map<string, TakenName> {
    const key = `${source}${SEPARATOR}${directory}`;
    const at = this.#levels.findLastIndex(level => level.directory === key);
    const isInside = ({ directory: outer }: Level) => key.startsWith(outer + SEPARATOR);
    this.#levels = at < 0 ? this.#levels.filter(isInside) : this.#levels.slice(0, at + 1);
    const level = this.#levels.at(-1);
    if (level?.directory === key) return level.names;
    const names = new Map<string, TakenName>();
    this.#levels.push({ directory: key, names });
    return names;
  }

  /** Not where the guest's own file was left alone, or ours got another name. */
  #hasName({ destination, verified, unchanged }: FileOutcome, path: string): boolean {
    const isOurs = verified || unchanged === true;
    const keyOf = (of: string) => nameKey(this.#session, lastName(of, this.#session));
    return isOurs && keyOf(destination) === keyOf(path);
  }
}

/** Folders of two sources merge; two of one source are different ones. */
function blocksDirectory({ isDirectory, isThere, source }: TakenName, ofSource: number): boolean {
  return isDirectory ? source === ofSource : isThere !== false;
}
