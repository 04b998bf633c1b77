import type { Conflict, ConflictDecision } from '../../transfer/index.ts';

export type Ask = (
  conflict: Conflict,
  domain: string,
  signal: AbortSignal,
  onAsking: (file: string | undefined) => void,
) => Promise<ConflictDecision>;

/**
 * The questions of one copy into several guests: one at a time, and what was answered "for all" holds for every guest, as
 * cancelling does.
 */
export function sharedAnswers(ask: Ask, cancelAll: () => void): Ask {
  let forAll: ConflictDecision | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const askNext: Ask = async (conflict, domain, signal, onAsking) => {
    if (forAll) return forAll;
    const decision = await ask(conflict, domain, signal, onAsking);
    if (decision.forAll) forAll = decision;
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
