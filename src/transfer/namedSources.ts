/** The sources as the user named them: which go to the guest, and which of them share a name there. */
import type { Session } from '../protocol/index.ts';
import { nameKey } from './nameKey.ts';
import type { SourceSystem } from './sourceSystem.ts';
import { SameNameError } from './transferError.ts';

/**
 * Folders of one name merge. Anything else of one name would replace the other, so nothing is sent at all.
 *
 * @returns the names, as `nameKey` has them, that several folders share
 * @throws SameNameError
 */
export async function findMergedNames(
  session: Session,
  system: SourceSystem,
  sources: readonly string[],
): Promise<ReadonlySet<string>> {
  const byName = Map.groupBy(sources, source => nameKey(session, system.baseName(source)));
  const merged = new Set<string>();
  for (const [key, ofOneName] of byName) {
    if (ofOneName.length < 2) continue;
    const types = await Promise.all(ofOneName.map(source => typeOf(system, source)));
    const readable = ofOneName.filter((_, index) => types[index] !== undefined);
    const [first, second] = readable;
    if (first === undefined || second === undefined) continue;
    if (types.some(type => type !== undefined && type !== 'directory'))
      throw new SameNameError(system.baseName(second), [first, second]);
    merged.add(key);
  }
  return merged;
}

/** Undefined if it can't be looked at: then it won't be copied either, and its own error says why. */
async function typeOf(system: SourceSystem, source: string): Promise<string | undefined> {
  const info = await system.stat(source, { followLinks: true }).catch(() => undefined);
  return info?.type;
}
