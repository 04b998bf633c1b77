/** Asks what to do with files that are already there: one question at a time, and never again after "for all". */
import type { RemoteError } from '../protocol/index.ts';
import { abortError } from '../text/abort.ts';
import type { SourceEntry } from './sourceTree.ts';
import type { Conflict, ConflictDecision, ConflictPolicy, CopyOptions } from './types.ts';

/** What the receiver is told; it decides everything but `ask` by itself. */
export type WirePolicy = Exclude<ConflictPolicy, 'ask'>;

export class ConflictResolver {
  readonly #ask: CopyOptions['onConflict'];
  #policy: ConflictPolicy;
  #lastQuestion: Promise<unknown> = Promise.resolve();

  constructor(options: CopyOptions) {
    this.#ask = options.onConflict;
    this.#policy = options.conflict;
  }

  get wirePolicy(): WirePolicy {
    return this.#policy === 'ask' ? 'fail' : this.#policy;
  }

  /**
   * @param exists - the receiver's `exists` error
   * @returns the policy to try again with, or undefined when the error stands.
   * @throws AbortError when the user cancels the whole copy.
   */
  resolve(entry: SourceEntry, exists: RemoteError): Promise<WirePolicy | undefined> {
    const turn = this.#lastQuestion.then(() => this.#decide(entry, exists));
    this.#lastQuestion = turn.catch(() => undefined);
    return turn;
  }

  async #decide(entry: SourceEntry, exists: RemoteError): Promise<WirePolicy | undefined> {
    if (this.#policy === 'fail') return undefined;
    if (this.#policy !== 'ask') return this.#policy;
    if (!this.#ask) return undefined;
    const decision: ConflictDecision = await this.#ask(describe(entry, exists));
    if (decision.action === 'cancel') throw abortError();
    if (decision.forAll) this.#policy = decision.action;
    return decision.action;
  }
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
