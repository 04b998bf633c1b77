/** A copy: asks where in the guest it goes, then runs it. */
import type { Session } from '../protocol/index.ts';
import { throwIfAborted } from '../text/abort.ts';
import { BundleMaker } from './bundle/bundleMaker.ts';
import type { SharedBundles } from './bundle/sharedBundles.ts';
import type { CopyContext } from './copyContext.ts';
import { CopyJob } from './copyJob.ts';
import { resolveDestination } from './destination.ts';
import { FileSender } from './fileSender.ts';
import { findMergedNames } from './namedSources.ts';
import { ProgressTracker } from './progressTracker.ts';
import type { SharedSources } from './sharedSources.ts';
import { SourceStreams } from './sourceStreams.ts';
import { localDisk } from './sourceSystem.ts';
import type { CopyOptions, CopyResult } from './types.ts';

export interface CopyTarget {
  readonly session: Session;
  /** Path in this guest, as for `copy`. */
  readonly destination: string;
  readonly options: CopyOptions;
}

/** What guests with the same kind of line share, and which of them this one is. */
export interface Sharing {
  readonly guest: object;
  readonly files: SharedSources;
  readonly bundles: SharedBundles;
}

/**
 * Copies files and folders into the guest behind the session.
 *
 * What concerns one file stands in its FileResult and doesn't stop the others.
 *
 * @param destination - path in the guest: an existing directory takes the sources' base names, a character device is
 * written straight, anything else is the name of the single source's copy
 * @throws SameNameError when two sources would be one in the guest, another TransferError or RemoteError when the
 * destination can't take anything, ProtocolError when the session ends, an AbortError after the signal
 */
export function copy(
  session: Session,
  sources: readonly string[],
  destination: string,
  options: CopyOptions,
): Promise<CopyResult> {
  return copyTo({ session, destination, options }, sources);
}

/** The same, with sources that may be shared with copies to other guests. */
export async function copyTo(
  { session, destination: outPath, options }: CopyTarget,
  sources: readonly string[],
  sharing?: Sharing,
): Promise<CopyResult> {
  const context = contextOf(session, options, sharing);
  try {
    throwIfAborted(options.signal);
    const destination = await resolveDestination(session, outPath, sources.length);
    // What is named twice is copied once.
    const distinct = [...new Set(sources)];
    const merged = await findMergedNames(session, context.streams.system, distinct);
    return await new CopyJob(context, destination, merged).run(distinct);
  } finally {
    context.streams.close();
    context.bundles.close();
  }
}

function contextOf(session: Session, options: CopyOptions, sharing: Sharing | undefined): CopyContext {
  const { sourceSystem: system = localDisk, compression = 'auto', signal, onProgress } = options;
  const streams = new SourceStreams(session, { system, compression, sharing });
  return {
    ...{ session, streams, options },
    bundles: new BundleMaker(streams, sharing),
    sender: new FileSender(session, streams.policy, signal),
    tracker: new ProgressTracker(session, onProgress),
    leftovers: new Set(),
  };
}
