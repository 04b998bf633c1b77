/**
 * Copies one file or symbolic link: the conflict policy, and a second try where the first leaned on a wrong basis or
 * the source changed.
 */
import { isRemoteError } from '../protocol/index.ts';
import { abortable } from '../text/abort.ts';
import type { ConflictResolver, WirePolicy } from './conflictResolver.ts';
import type { CopyContext } from './copyContext.ts';
import type { FileOutcome } from './fileOutcome.ts';
import { FilePut, type PutRequest } from './filePut.ts';
import { compareContent } from './identical.ts';
import { type Place, planPut, withoutBasis } from './putPlan.ts';
import type { SourceEntry } from './sourceTree.ts';
import { SourceChanged } from './sourceVersion.ts';
import { TransferError } from './transferError.ts';

export interface CopyTask {
  readonly entry: SourceEntry;
  /** In the guest. */
  readonly path: string;
  readonly place: Place;
  /** This copy itself has put something there. */
  readonly isJustMade: boolean;
}

/** Sends it under a policy; rejects with `exists` where that leaves what is there alone. */
type SendUnderPolicy = (policy: WirePolicy, isKnownDifferent: boolean) => Promise<FileOutcome>;

/** Reads the source, which may have been looked at again because it had changed. */
type ReadSource<T> = (isLookedAtAgain: boolean) => Promise<T>;

/** How often a source that changes is read before it's given up. */
const MAX_READS = 2;

export class FileCopier {
  readonly #context: CopyContext;
  readonly #conflicts: ConflictResolver;
  readonly #canTakeBack: boolean;

  /** @param canTakeBack - what was sent of a file can be given up, as a device can't do */
  constructor(context: CopyContext, conflicts: ConflictResolver, canTakeBack: boolean) {
    this.#context = context;
    this.#conflicts = conflicts;
    this.#canTakeBack = canTakeBack;
  }

  /** @param onQueued - nothing more of this file waits to be read */
  async copyFile(task: CopyTask, onQueued: () => void): Promise<FileOutcome> {
    try {
      return await this.#copyOrSkip(task, onQueued);
    } finally {
      this.#context.streams.finished(task.entry.source);
    }
  }

  async #copyOrSkip(task: CopyTask, onQueued: () => void): Promise<FileOutcome> {
    const compares = this.#context.options.checksum === true && task.place !== 'new';
    if (compares) {
      const same = await this.#identical(task, task.path);
      if (same) return same;
    }
    return this.#withConflicts(task, (policy, isKnownDifferent) =>
      this.#put(task, policy, compares || isKnownDifferent, onQueued),
    );
  }

  async copyLink(task: CopyTask): Promise<FileOutcome> {
    const { entry, path } = task;
    const { session, streams, options } = this.#context;
    const target = await streams.system.readLink(entry.source);
    return this.#withConflicts(task, async conflict => {
      const reply = await abortable(session.request('symlink', { path, target, conflict }), options.signal);
      const skipped = reply.has('skipped');
      const verified = !skipped || reply.get('skipped') === 'identical';
      return { destination: reply.get('path') ?? path, bytes: 0, sha256: null, verified, skipped };
    });
  }

  #put(
    task: CopyTask,
    conflict: WirePolicy,
    isKnownDifferent: boolean,
    onQueued: () => void,
  ): Promise<FileOutcome> {
    return this.#onOneVersion(task.entry, isLookedAtAgain =>
      this.#putOnce(task, { conflict, isKnownDifferent, isLookedAtAgain }, onQueued),
    );
  }

  async #putOnce(
    { entry, path, place }: CopyTask,
    how: Pick<PutRequest, 'conflict' | 'isKnownDifferent' | 'isLookedAtAgain'>,
    onQueued: () => void,
  ): Promise<FileOutcome> {
    const { session, options } = this.#context;
    const plan = planPut(session, entry.info, place, how.conflict, options);
    const request = { entry, path, plan, ...how };
    try {
      return await new FilePut(this.#context, request).run(onQueued);
    } catch (error) {
      if (!(plan.basis || plan.resume) || !isWrongBasis(error)) throw error;
      // The guest's bytes were not what they seemed: the file goes over whole.
      return new FilePut(this.#context, { ...request, plan: withoutBasis(plan) }).run(onQueued);
    }
  }

  /** Tries with the copy's policy; an `exists` is settled by comparing content, then by asking. */
  async #withConflicts(task: CopyTask, send: SendUnderPolicy): Promise<FileOutcome> {
    try {
      return await send(this.#conflicts.wirePolicyFor(task.isJustMade), false);
    } catch (error) {
      if (!isRemoteError(error, 'exists')) throw error;
      const same = await this.#identical(task, error.path ?? task.path);
      if (same) return same;
      const policy = await this.#conflicts.resolve(task.entry, error, task.isJustMade);
      if (!policy) throw task.isJustMade ? justMadeError(task.path, error) : error;
      return send(policy, true);
    }
  }

  /** The outcome for a file that the guest has already, byte for byte. */
  async #identical({ entry }: CopyTask, path: string): Promise<FileOutcome | undefined> {
    if (entry.info.type !== 'file') return undefined;
    const { session, streams, options } = this.#context;
    const policy = this.#conflicts.wirePolicy;
    return this.#onOneVersion(entry, isLookedAtAgain => {
      const { source, info } = entry;
      const hashSource = () => streams.hash({ source, info, isLookedAtAgain });
      return abortable(compareContent({ session, path, info, policy }, hashSource), options.signal);
    });
  }

  /**
   * Reads the source a second time where it changed while it was read. One that changed before, so that nothing was
   * read of what was announced, is looked at again in any case.
   */
  async #onOneVersion<T>(entry: SourceEntry, read: ReadSource<T>): Promise<T> {
    for (let reads = 0, looks = 1; ; looks += 1) {
      try {
        return await read(looks > 1);
      } catch (error) {
        if (!(error instanceof SourceChanged)) throw error;
        if (!error.found) reads += 1;
        const mayReadAgain = error.found !== undefined || (this.#canTakeBack && reads < MAX_READS);
        if (!mayReadAgain || looks > MAX_READS) throw error;
        await this.#lookAgain(entry, error);
      }
    }
  }

  async #lookAgain(entry: SourceEntry, changed: SourceChanged): Promise<void> {
    const { streams, tracker, options } = this.#context;
    const { source, info: before } = entry;
    // As the walk looked at it: a link that has taken a file's place must not lead anywhere.
    const followLinks = entry.names.length === 1;
    const found = await abortable(streams.system.stat(source, { followLinks }), options.signal);
    if (found.type !== 'file') throw changed;
    // A file system that doesn't know a file's size gives it when it's opened.
    entry.info = { ...found, ...changed.found };
    tracker.bytesTotal += entry.info.size - before.size;
  }
}

/** What's there is another source's, and stays. */
export function justMadeError(path: string, cause?: unknown): TransferError {
  return new TransferError('just-made', 'this copy has just put something else there', path, { cause });
}

function isWrongBasis(error: unknown): boolean {
  return isRemoteError(error, 'hash-mismatch') || isRemoteError(error, 'basis-changed');
}
