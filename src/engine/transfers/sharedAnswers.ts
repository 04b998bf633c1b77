import type { Conflict, ConflictDecision } from '../../transfer/index.ts';

/** @param onAsking - called with the file that's being asked about, and with undefined once it's answered */
export type AskConflict = (
  conflict: Conflict,
  domain: string,
  signal: AbortSignal,
  onAsking: (file: string | undefined) => void,
) => Promise<ConflictDecision>;

/**
 * The questions of one copy into several guests: one at a time, and what was answered "for all" holds for every guest, as
 * cancelling does.
 */
export function sharedAnswers(ask: AskConflict, cancelAll: () => void): AskConflict {
  let forAll: ConflictDecision | undefined;
  let forAllJustMade: ConflictDecision | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const askNext: AskConflict = async (conflict, domain, signal, onAsking) => {
    const known = conflict.isJustMade ? forAllJustMade : forAll;
    if (known) return known;
    const decision = await ask(conflict, domain, signal, onAsking);
    if (decision.forAll) forAll = decision;
    // Whoever overwrites what was there needn't want a file of this very copy to be replaced by another.
    if (decision.forAll && (conflict.isJustMade || decision.action !== 'overwrite'))
      forAllJustMade = decision;
    // Who took this guest alone off the list has answered for this guest alone.
    if (decision.action === 'cancel' && !signal.aborted) cancelAll();
    return decision;
  };
  return (conflict, domain, signal, onAsking) => {
    const answer = last.then(() => askNext(conflict, domain, signal, onAsking));
    last = answer.catch(() => undefined);
    return answer;
  };
}
