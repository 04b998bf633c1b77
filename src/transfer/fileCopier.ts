/** Copies one file or symbolic link: the conflict policy, and a second try where the first leaned on a wrong basis. */
import { isRemoteError } from '../protocol/index.ts';
import { abortable } from '../text/abort.ts';
import type { ConflictResolver, WirePolicy } from './conflictResolver.ts';
import type { CopyContext } from './copyContext.ts';
import type { FileOutcome } from './fileOutcome.ts';
import { FilePut } from './filePut.ts';
import { holdsSameContent } from './identical.ts';
import { type Place, planPut, withoutBasis } from './putPlan.ts';
import type { SourceEntry } from './sourceTree.ts';
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

export class FileCopier {
  readonly #context: CopyContext;
  readonly #conflicts: ConflictResolver;

  constructor(context: CopyContext, conflicts: ConflictResolver) {
    this.#context = context;
    this.#conflicts = conflicts;
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

  async #put(
    { entry, path, place }: CopyTask,
    conflict: WirePolicy,
    isKnownDifferent: boolean,
    onQueued: () => void,
  ): Promise<FileOutcome> {
    const { session, options } = this.#context;
    const plan = planPut(session, entry.info, place, conflict, options);
    const request = { entry, path, conflict, plan, isKnownDifferent };
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
    const same = holdsSameContent(session, path, entry.info.size, () => streams.hash(entry.source));
    const sha256 = await abortable(same, options.signal);
    return sha256 ? { destination: path, bytes: 0, sha256, verified: true, skipped: true } : undefined;
  }
}

/** What's there is another source's, and stays. */
export function justMadeError(path: string, cause?: unknown): TransferError {
  return new TransferError('just-made', 'this copy has just put something else there', path, { cause });
}

function isWrongBasis(error: unknown): boolean {
  return isRemoteError(error, 'hash-mismatch') || isRemoteError(error, 'basis-changed');
}
