/** One copy to several guests at once, in which each source file is read, hashed and compressed once. */
import { SharedBundles } from './bundle/sharedBundles.ts';
import { type CopyTarget, copyTo, type Sharing } from './copy.ts';
import { SharedSources } from './sharedSources.ts';
import { kindOfLine } from './sourceStreams.ts';
import type { CopyResult } from './types.ts';

/**
 * Copies the same sources into each target's guest, as `copy` does into one. Guests with the same kind of line share
 * the work and go at the pace of the slowest; one that stops taking anything is waited for a few seconds only.
 *
 * @returns what `copy` would, for each target: one that fails doesn't stop the others.
 */
export function copyToMany(
  targets: readonly CopyTarget[],
  sources: readonly string[],
): Promise<Array<PromiseSettledResult<CopyResult>>> {
  return Promise.allSettled(copyToEach(targets, sources));
}

/** The same, with a promise for each target that need not wait for the others. */
export function copyToEach(
  targets: readonly CopyTarget[],
  sources: readonly string[],
): Array<Promise<CopyResult>> {
  const sharings = shareAmong(targets);
  return targets.map(target => copyTo(target, sources, sharings.get(target)));
}

/** Who is alone with its kind of line shares nothing. */
function shareAmong(targets: readonly CopyTarget[]): ReadonlyMap<CopyTarget, Sharing> {
  const sharings = new Map<CopyTarget, Sharing>();
  const kindOf = ({ session, options }: CopyTarget) => kindOfLine(session, options.compression ?? 'auto');
  for (const group of Map.groupBy(targets, kindOf).values()) {
    if (group.length < 2) continue;
    const files = new SharedSources(group);
    const bundles = new SharedBundles(group);
    for (const guest of group) sharings.set(guest, { guest, files, bundles });
  }
  return sharings;
}
