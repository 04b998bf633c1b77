/** Walks the sources of a copy, depth first, directories before what is in them; nothing is held in memory. */
import type { SourceInfo, SourceSystem } from './sourceSystem.ts';

export interface SourceEntry {
  /** Path on the host. */
  source: string;
  /** Names from the top source down to this entry; the first is the name of the top source itself. */
  names: string[];
  info: SourceInfo;
}

export type WalkItem =
  | { kind: 'entry'; entry: SourceEntry }
  /** Could not be looked at or listed. */
  | { kind: 'unreadable'; source: string; names: string[]; error: unknown };

/**
 * @param descend - whether to go into a directory; asked after its entry was handed out, so that the caller can first
 * make it in the guest
 */
export async function* walkSource(
  system: SourceSystem,
  source: string,
  descend: (entry: SourceEntry) => boolean = () => true,
): AsyncGenerator<WalkItem> {
  yield* walk(system, source, [system.baseName(source)], true, descend);
}

async function* walk(
  system: SourceSystem,
  source: string,
  names: string[],
  followLinks: boolean,
  descend: (entry: SourceEntry) => boolean,
): AsyncGenerator<WalkItem> {
  let entry: SourceEntry;
  try {
    // A link that the user named is followed, as `cp` users expect; links inside a folder stay links.
    entry = { source, names, info: await system.stat(source, { followLinks }) };
  } catch (error) {
    yield { kind: 'unreadable', source, names, error };
    return;
  }
  yield { kind: 'entry', entry };
  if (entry.info.type !== 'directory' || !descend(entry)) return;
  try {
    for await (const name of system.list(source)) {
      yield* walk(system, system.join(source, name), [...names, name], false, descend);
    }
  } catch (error) {
    yield { kind: 'unreadable', source, names, error };
  }
}
