import {
  type CopyOptions,
  type CopyProgress,
  type CopyResult,
  type CopyTarget,
  copyToMany,
} from '../transfer/index.ts';
import { askConflict } from './askConflict.ts';
import { diagnose } from './diagnose.ts';
import { EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_OK } from './exitCodes.ts';
import { codeOfError, describeError } from './messages.ts';
import { contextOf, type OpenGuest, openGuest, uriOf } from './openGuest.ts';
import type { CopyArguments } from './parseArguments.ts';
import { printable } from './printable.ts';
import type { ProgressLine } from './progressLine.ts';
import {
  emptyResult,
  failures,
  isComplete,
  type JsonReport,
  jsonFailure,
  jsonReport,
  summary,
} from './report.ts';
import { isInteractive, printError, type Terminal } from './terminal.ts';

/** What became of the copy into one domain. */
interface Part {
  readonly domain: string;
  guest?: OpenGuest;
  /** Also what had been done when it failed. */
  result: CopyResult;
  error?: unknown;
}

/** `--also`: one copy into several domains at once; one that fails does not stop the others. */
export async function copyToGuests(
  args: CopyArguments,
  terminal: Terminal,
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<number> {
  const parts = [args.domain, ...args.also].map((domain): Part => ({ domain, result: emptyResult() }));
  progress.text('Looking for the receivers…');
  try {
    await Promise.all(parts.map(part => open(part, args, signal)));
    await copyAll(parts, args, terminal, progress, signal);
    progress.clear();
    return await report(parts, args, terminal, signal);
  } finally {
    await Promise.all(parts.map(part => part.guest?.close()));
  }
}

async function open(part: Part, args: CopyArguments, signal: AbortSignal): Promise<void> {
  try {
    part.guest = await openGuest({ ...args, domain: part.domain }, signal);
  } catch (error) {
    part.error = error;
  }
}

async function copyAll(
  parts: readonly Part[],
  args: CopyArguments,
  terminal: Terminal,
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<void> {
  const opened = parts.flatMap(part => (part.guest ? [{ part, session: part.guest.session }] : []));
  const show = slowestOf(progress, signal);
  const ask = oneAtATime(terminal, progress, signal);
  const targets = opened.map(({ part, session }): CopyTarget => {
    const options: CopyOptions = {
      conflict: args.conflict === 'ask' && !isInteractive(terminal) ? 'fail' : args.conflict,
      compression: args.compress,
      delta: args.delta,
      checksum: args.checksum,
      signal,
      onProgress: state => show(part, state),
      onConflict: conflict => ask(part.domain, conflict),
      onInterrupted: result => {
        part.result = result;
      },
    };
    return { session, destination: args.destination, options };
  });
  const results = await copyToMany(targets, args.sources);
  for (const [index, result] of results.entries()) {
    const part = opened[index]?.part;
    if (part && result.status === 'fulfilled') part.result = result.value;
    else if (part && result.status === 'rejected') part.error = result.reason;
  }
}

/** Shows the guest that has the longest way to go: the copy is done when that one is. */
function slowestOf(progress: ProgressLine, signal: AbortSignal): (part: Part, state: CopyProgress) => void {
  const states = new Map<Part, CopyProgress>();
  const left = (state: CopyProgress) => state.bytesTotal - state.bytesDone;
  return (part, state) => {
    states.set(part, state);
    const slowest = [...states.values()].reduce((one, other) => (left(other) > left(one) ? other : one));
    if (!signal.aborted) progress.show(slowest);
  };
}

/** Two guests may have a question at the same time; the terminal takes one. */
function oneAtATime(terminal: Terminal, progress: ProgressLine, signal: AbortSignal) {
  let last: Promise<unknown> = Promise.resolve();
  return (domain: string, conflict: Parameters<typeof askConflict>[1]) => {
    const answer = last.then(() => {
      progress.clear();
      terminal.stderr.write(`${printable(domain)}: `);
      return askConflict(terminal, conflict, signal);
    });
    last = answer.catch(() => undefined);
    return answer;
  };
}

async function report(
  parts: readonly Part[],
  args: CopyArguments,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const guests = [];
  for (const part of parts) {
    const guest = contextOf(part.guest);
    const sentence = part.error === undefined ? undefined : await sentenceOf(part, args, signal);
    const sentences = [...(sentence ? [sentence] : []), ...failures(part.result, guest)];
    for (const one of sentences) printError(terminal, `${printable(part.domain)}: ${one}`);
    guests.push({ domain: part.domain, ...jsonOf(part, sentence) });
    if (!args.json && !args.quiet && !sentence)
      terminal.stdout.write(`${printable(part.domain)}: ${summary(part.result)}`);
  }
  if (args.json) terminal.stdout.write(`${JSON.stringify({ guests })}\n`);
  if (signal.aborted) return EXIT_INTERRUPTED;
  const isWhole = parts.every(part => part.error === undefined && isComplete(part.result));
  return isWhole ? EXIT_OK : EXIT_INCOMPLETE;
}

async function sentenceOf(part: Part, args: CopyArguments, signal: AbortSignal): Promise<string> {
  if (part.guest && !signal.aborted) part.error = await diagnose(part.error, part.guest);
  return describeError(part.error, {
    ...contextOf(part.guest),
    uri: uriOf(args.connect),
    domain: part.domain,
    source: args.sources[0],
    destination: args.destination,
  });
}

function jsonOf({ guest, result, error }: Part, message: string | undefined): JsonReport {
  const link = guest?.link.description.device ?? null;
  const context = contextOf(guest);
  if (message === undefined) return jsonReport(result, link, context);
  return jsonFailure({ code: codeOfError(error), message }, result, link, context);
}
