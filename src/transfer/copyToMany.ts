/** One copy to several guests at once, in which each source file is read, hashed and compressed once. */
import type { Session } from '../protocol/index.ts';
import { SharedBundles } from './bundle/sharedBundles.ts';
import { copyWith } from './copy.ts';
import { SharedSources } from './sharedSources.ts';
import { SourceStreams } from './sourceStreams.ts';
import { localDisk } from './sourceSystem.ts';
import type { CopyOptions, CopyResult } from './types.ts';

export interface CopyTarget {
  readonly session: Session;
  /** Path in this guest, as for `copy`. */
  readonly destination: string;
  readonly options: CopyOptions;
}

/**
 * Copies the same sources into each target's guest, as `copy` does into one. Guests with the same kind of line share
 * the work and go at the pace of the slowest; one that stops taking anything is waited for a few seconds only.
 *
 * @returns what `copy` would, for each target: one that fails does not stop the others.
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
  const streams = targets.map(
    ({ session, options }) =>
      new SourceStreams(session, options.sourceSystem ?? localDisk, options.compression ?? 'auto'),
  );
  const groups = Map.groupBy(streams, ({ kind }) => kind);
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    const files = new SharedSources(group);
    const bundles = new SharedBundles(group);
    for (const member of group) member.share(files, bundles);
  }
  return targets.map(({ session, destination, options }, index) =>
    copyWith(streams[index] as SourceStreams, session, sources, destination, options),
  );
}
