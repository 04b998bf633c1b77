/** Asks what to do with files that are already there: one question at a time, and never again after "for all". */
import type { RemoteError } from '../protocol/index.ts';
import { abortError } from '../text/abort.ts';
import type { SourceEntry } from './sourceTree.ts';
import type { Conflict, ConflictPolicy, CopyOptions } from './types.ts';

/** What the receiver is told; it decides everything but `ask` by itself. */
export type WirePolicy = Exclude<ConflictPolicy, 'ask'>;

export class ConflictResolver {
  readonly #ask: CopyOptions['onConflict'];
  #policy: ConflictPolicy;
  /** For what this copy itself has put there: a sibling is never replaced unless the user is told that it's one. */
  #policyForOwn: ConflictPolicy;
  #lastQuestion: Promise<unknown> = Promise.resolve();

  constructor(options: CopyOptions) {
    this.#ask = options.onConflict;
    this.#policy = options.conflict;
    this.#policyForOwn = replaces(options.conflict) ? 'fail' : options.conflict;
  }

  get wirePolicy(): WirePolicy {
    return onWire(this.#policy);
  }

  wirePolicyFor(isJustMade: boolean): WirePolicy {
    return onWire(this.#policyOf(isJustMade));
  }

  /**
   * @param exists - the receiver's `exists` error
   * @param isJustMade - what exists was put there by this copy
   * @returns the policy to try again with, or undefined when the error stands.
   * @throws AbortError when the user cancels the whole copy.
   */
  resolve(entry: SourceEntry, exists: RemoteError, isJustMade = false): Promise<WirePolicy | undefined> {
    const turn = this.#lastQuestion.then(() => this.#decide(entry, exists, isJustMade));
    this.#lastQuestion = turn.catch(() => undefined);
    return turn;
  }

  async #decide(
    entry: SourceEntry,
    exists: RemoteError,
    isJustMade: boolean,
  ): Promise<WirePolicy | undefined> {
    const policy = this.#policyOf(isJustMade);
    if (policy === 'fail') return undefined;
    if (policy !== 'ask') return policy;
    if (!this.#ask) return undefined;
    const conflict = describe(entry, exists);
    const decision = await this.#ask(isJustMade ? { ...conflict, isJustMade } : conflict);
    if (decision.action === 'cancel') throw abortError();
    if (decision.forAll) this.#rememberForAll(decision.action, isJustMade);
    return decision.action;
  }

  #policyOf(isJustMade: boolean): ConflictPolicy {
    return isJustMade ? this.#policyForOwn : this.#policy;
  }

  /** "Overwrite all" was said of what the guest had: whoever said it didn't know that this copy makes more. */
  #rememberForAll(action: WirePolicy, isJustMade: boolean): void {
    this.#policy = action;
    if (isJustMade || !replaces(action)) this.#policyForOwn = action;
  }
}

function onWire(policy: ConflictPolicy): WirePolicy {
  return policy === 'ask' ? 'fail' : policy;
}

function replaces(policy: ConflictPolicy): boolean {
  return policy === 'overwrite' || policy === 'newer';
}

function describe(entry: SourceEntry, exists: RemoteError): Conflict {
  const { details } = exists;
  return {
    source: entry.source,
    destination: exists.path ?? '',
    sourceInfo: { size: entry.info.size, mtimeMs: entry.info.mtimeMs },
    existing: {
      type: details.get('type') ?? 'file',
      size: Number(details.get('size') ?? 0),
      mtimeMs: Number(details.get('mtime') ?? 0) * 1_000,
    },
  };
}
