import type { OpenGuest } from '../engine/guest/openGuest.ts';
import { contextOf } from '../engine/messages/fileMessages.ts';
import type { CopyFailure } from '../engine/transfers/runCopies.ts';
import { printable } from '../text/printable.ts';
import type { CopyResult } from '../transfer/index.ts';
import { debug } from './debug.ts';
import { EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_OK } from './exitCodes.ts';
import type { CopyArguments } from './parseArguments.ts';
import {
  emptyResult,
  failures,
  grownNotes,
  isComplete,
  type JsonReport,
  jsonFailure,
  jsonReport,
  summary,
} from './report.ts';
import { printError, type Terminal } from './terminal.ts';
import { worded } from './wording.ts';

/** What became of the copy into one domain. */
export interface DomainCopy {
  readonly domain: string;
  /** Stands before each of its lines where there are several domains. */
  readonly label: string;
  readonly guest?: OpenGuest | undefined;
  /** Also what had been done when it failed. */
  readonly result?: CopyResult | undefined;
  readonly failure?: CopyFailure | undefined;
}

/** Prints how the copy ended. @returns the exit code */
export function reportCopies(
  copies: readonly DomainCopy[],
  args: CopyArguments,
  terminal: Terminal,
  signal?: AbortSignal,
): number {
  for (const copy of copies) {
    if (copy.failure) debug(copy.failure.error);
    for (const sentence of sentencesOf(copy)) printError(terminal, copy.label + sentence);
    const notes = args.quiet ? [] : grownNotes(copy.result ?? emptyResult());
    for (const note of notes) printError(terminal, copy.label + note);
    if (!args.json && !args.quiet && isWorthASummary(copy))
      terminal.stdout.write(copy.label + summary(copy.result ?? emptyResult()));
  }
  if (args.json) terminal.stdout.write(`${JSON.stringify(jsonOf(copies))}\n`);
  if (wasInterrupted(copies, signal)) return EXIT_INTERRUPTED;
  return copies.every(isWhole) ? EXIT_OK : EXIT_INCOMPLETE;
}

function sentencesOf({ guest, failure, result = emptyResult() }: DomainCopy): string[] {
  return failure ? [failureText(failure, guest, result)] : failures(result, contextOf(guest));
}

function failureText(
  { code, message }: CopyFailure,
  guest: OpenGuest | undefined,
  { leftovers = [] }: CopyResult,
): string {
  const text = worded(message);
  if (code !== 'aborted' || !guest) return text;
  const [path] = leftovers;
  return path === undefined
    ? `${text} No unfinished file stays in the guest.`
    : `${text} The receiver didn't say in time that it removed what is unfinished. A hidden file ".guestwire-…" may stay beside "${printable(path)}"; the next copy there continues or removes it.`;
}

/** Where nothing at all was copied, the error says it all. */
function isWorthASummary({ failure, result = emptyResult() }: DomainCopy): boolean {
  return !failure && (result.files.length === 0 || result.files.some(file => !file.error));
}

/** One copy is an object of its own, as scripts know it; several are a list. */
function jsonOf(copies: readonly DomainCopy[]): object {
  const [only] = copies;
  if (only && copies.length === 1) return reportOf(only);
  return { guests: copies.map(copy => ({ domain: copy.domain, ...reportOf(copy) })) };
}

function reportOf({ guest, failure, result = emptyResult() }: DomainCopy): JsonReport {
  const link = guest?.link.description.device ?? null;
  const context = contextOf(guest);
  if (!failure) return jsonReport(result, link, context);
  return jsonFailure(
    { code: failure.code, message: failureText(failure, guest, result) },
    result,
    link,
    context,
  );
}

/** By Ctrl-C, or at a question; where only some guests were cancelled at theirs, the others count. */
function wasInterrupted(copies: readonly DomainCopy[], signal: AbortSignal | undefined): boolean {
  const isCancelled = ({ failure }: DomainCopy) => failure?.code === 'aborted';
  return copies.every(isCancelled) || (signal?.aborted === true && copies.some(isCancelled));
}

function isWhole({ failure, result }: DomainCopy): boolean {
  return !failure && result !== undefined && isComplete(result);
}
