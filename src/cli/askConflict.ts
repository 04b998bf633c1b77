import { createInterface } from 'node:readline';
import { printable } from '../text/printable.ts';
import { formatBytes } from '../text/units.ts';
import type { Conflict, ConflictDecision } from '../transfer/index.ts';
import type { Terminal } from './terminal.ts';

const ACTIONS: ReadonlyMap<string, ConflictDecision['action']> = new Map([
  ['o', 'overwrite'],
  ['s', 'skip'],
  ['k', 'rename'],
  ['c', 'cancel'],
]);

/**
 * Asks at the terminal until the answer makes sense. End of input and the signal mean cancel. The terminal
 * stays in its normal mode, so that Ctrl-C remains a signal.
 */
export async function askConflict(
  terminal: Terminal,
  conflict: Conflict,
  signal: AbortSignal,
): Promise<ConflictDecision> {
  if (signal.aborted) return { action: 'cancel' };
  const lines = createInterface({ input: terminal.stdin, terminal: false });
  const onAbort = () => lines.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const ask = () => terminal.stderr.write(conflictQuestion(conflict));
    ask();
    for await (const line of lines) {
      const decision = parseAnswer(line);
      if (decision) return decision;
      ask();
    }
    terminal.stderr.write('\n');
    return { action: 'cancel' };
  } finally {
    signal.removeEventListener('abort', onAbort);
    lines.close();
  }
}

export function conflictQuestion({ destination, sourceInfo, existing, isJustMade }: Conflict): string {
  const there = `${formatBytes(existing.size)} of ${formatTime(existing.mtimeMs)}`;
  const here = `${formatBytes(sourceInfo.size)} of ${formatTime(sourceInfo.mtimeMs)}`;
  const state = isJustMade ? 'was just made by this copy, from another source' : 'exists in the guest';
  return (
    `"${printable(destination)}" ${state} (${there}; yours: ${here}).\n` +
    '[o]verwrite, [s]kip, [k]eep both or [c]ancel? (O, S, K: the same for all) '
  );
}

/** One letter, or its word; in capitals it counts for all that follow. */
export function parseAnswer(answer: string): ConflictDecision | undefined {
  const word = answer.trim();
  const letter = /^(o|s|k|c|overwrite|skip|keep|cancel)$/i.exec(word)?.[0].charAt(0) ?? '';
  const action = ACTIONS.get(letter.toLowerCase());
  if (!action) return undefined;
  return letter !== letter.toLowerCase() && action !== 'cancel' ? { action, forAll: true } : { action };
}

function formatTime(timeMs: number): string {
  const time = new Date(timeMs);
  if (Number.isNaN(time.getTime())) return 'unknown time';
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
