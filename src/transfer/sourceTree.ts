/** Walks the sources of a copy, depth first, directories before what is in them; only a few entries are held in memory. */
import type { SourceInfo, SourceSystem } from './sourceSystem.ts';

export interface SourceEntry {
  /** Path on the host. */
  source: string;
  /** Names from the top source down to this entry; the first is the name of the top source itself. */
  names: string[];
  /** As it was looked at last: a file that has changed when it's read is looked at again. */
  info: SourceInfo;
}

export type WalkItem =
  | { kind: 'entry'; entry: SourceEntry }
  /** Could not be looked at or listed. */
  | { kind: 'unreadable'; source: string; names: string[]; error: unknown };

/** Entries of a directory that are looked at side by side: one behind the other, each would wait for the disk alone. */
const LOOKED_AT_ONCE = 32;

/**
 * @param descend - whether to go into a directory; asked after its entry was handed out and now and then while what is
 * in it is, so that the caller can give it up
 */
export async function* walkSource(
  system: SourceSystem,
  source: string,
  descend: (entry: SourceEntry) => boolean = () => true,
): AsyncGenerator<WalkItem> {
  // A link that the user named is followed, as `cp` users expect; links inside a folder stay links.
  const top = await lookAt(system, source, [system.baseName(source)], true);
  yield top;
  if (!isDirectory(top) || !descend(top.entry)) return;
  const listings = [new Listing(system, top.entry)];
  try {
    for (let listing = listings.at(-1); listing; listing = listings.at(-1)) {
      const item = listing.next() ?? (descend(listing.directory) ? await listing.more() : undefined);
      if (!item) {
        listings.pop();
        await listing.close();
        continue;
      }
      yield item;
      if (isDirectory(item) && descend(item.entry)) listings.push(new Listing(system, item.entry));
    }
  } finally {
    for (const listing of listings) await listing.close();
  }
}

/** What is in one directory. */
class Listing {
  readonly directory: SourceEntry;
  readonly #system: SourceSystem;
  readonly #names: AsyncIterator<string>;
  #items: WalkItem[] = [];
  #at = 0;
  #ended = false;

  constructor(system: SourceSystem, directory: SourceEntry) {
    this.#system = system;
    this.directory = directory;
    this.#names = system.list(directory.source)[Symbol.asyncIterator]();
  }

  /** One that has been looked at. */
  next(): WalkItem | undefined {
    return this.#items[this.#at++];
  }

  /** Looks at further ones; undefined at the end. */
  async more(): Promise<WalkItem | undefined> {
    const looking: Array<Promise<WalkItem>> = [];
    let failure: WalkItem | undefined;
    try {
      while (!this.#ended && looking.length < LOOKED_AT_ONCE) {
        const { value: name, done } = await this.#names.next();
        if (done) this.#ended = true;
        else looking.push(this.#lookAt(name));
      }
    } catch (error) {
      this.#ended = true;
      const { source, names } = this.directory;
      failure = { kind: 'unreadable', source, names, error };
    }
    this.#items = await Promise.all(looking);
    if (failure) this.#items.push(failure);
    this.#at = 0;
    return this.next();
  }

  async close(): Promise<void> {
    await this.#names.return?.();
  }

  #lookAt(name: string): Promise<WalkItem> {
    const { source, names } = this.directory;
    return lookAt(this.#system, this.#system.join(source, name), [...names, name], false);
  }
}

async function lookAt(
  system: SourceSystem,
  source: string,
  names: string[],
  followLinks: boolean,
): Promise<WalkItem> {
  try {
    return { kind: 'entry', entry: { source, names, info: await system.stat(source, { followLinks }) } };
  } catch (error) {
    return { kind: 'unreadable', source, names, error };
  }
}

function isDirectory(item: WalkItem): item is WalkItem & { kind: 'entry' } {
  return item.kind === 'entry' && item.entry.info.type === 'directory';
}

/** What of an entry goes over as content; a symbolic link's target is part of its request. */
export function contentBytes({ info }: SourceEntry): number {
  return info.type === 'file' ? info.size : 0;
}
