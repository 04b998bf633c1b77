import { lstat } from 'node:fs/promises';
import { diagnose } from '../engine/guest/diagnose.ts';
import { contextOf, type OpenGuest, openGuest, uriOf } from '../engine/guest/openGuest.ts';
import { codeOfError, describeError, type ErrorContext } from '../engine/messages/describeError.ts';
import type { FileMessageContext } from '../engine/messages/fileMessages.ts';
import { linkNotes } from '../engine/messages/linkNotes.ts';
import { type CopyOptions, type CopyResult, copy } from '../transfer/index.ts';
import { askConflict } from './askConflict.ts';
import { copyToGuests } from './copyToGuests.ts';
import { EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_OK } from './exitCodes.ts';
import type { CopyArguments } from './parseArguments.ts';
import { ProgressLine } from './progressLine.ts';
import { emptyResult, failures, isComplete, jsonFailure, jsonReport, summary } from './report.ts';
import { isInteractive, printError, type Terminal } from './terminal.ts';

/** The command itself. Everything that goes wrong is printed here; resolves to the exit code. */
export async function copyFiles(
  args: CopyArguments,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const missing = await missingSources(args.sources, args.destination);
  if (missing) return finish(args, terminal, missing, null, {});
  const progress = new ProgressLine(terminal.stderr, args.quiet);
  if (args.also.length > 0) return copyToGuests(args, terminal, progress, signal);
  let guest: OpenGuest | undefined;
  let partial = emptyResult();
  const onInterrupted = (result: CopyResult) => {
    partial = result;
  };
  try {
    progress.text(`Looking for the receiver in ${args.domain}…`);
    guest = await openGuest(args, signal);
    const notes = args.quiet ? [] : linkNotes(guest, args.link === 'auto');
    if (notes.length > 0) progress.clear();
    for (const note of notes) printError(terminal, note);
    const result = await runCopy(args, guest, terminal, progress, { signal, onInterrupted });
    progress.clear();
    return finish(args, terminal, result, guest.link.description.device, contextOf(guest));
  } catch (error) {
    progress.clear();
    return await fail(args, terminal, guest, { error, partial }, signal);
  } finally {
    await guest?.close();
  }
}

/** Where no source exists at all the guest need not be asked; otherwise the others are copied. */
async function missingSources(
  sources: readonly string[],
  destination: string,
): Promise<CopyResult | undefined> {
  const files = [];
  for (const source of sources) {
    const error = await lstat(source).then(
      () => undefined,
      error => error as NodeJS.ErrnoException,
    );
    if (!error) return undefined;
    const { code = 'EIO', message } = error;
    const nothing = { bytes: 0, sha256: null, verified: false, skipped: false };
    files.push({ source, destination, ...nothing, error: { code, message } });
  }
  return emptyResult(files);
}

async function runCopy(
  args: CopyArguments,
  guest: OpenGuest,
  terminal: Terminal,
  progress: ProgressLine,
  hooks: { signal: AbortSignal; onInterrupted: (result: CopyResult) => void },
): Promise<CopyResult> {
  const { signal } = hooks;
  let asking = false;
  const options: CopyOptions = {
    ...hooks,
    conflict: args.conflict,
    compression: args.compress,
    delta: args.delta,
    checksum: args.checksum,
    onProgress: state => {
      if (!asking && !signal.aborted) progress.show(state);
    },
    onConflict: async conflict => {
      progress.clear();
      asking = true;
      return askConflict(terminal, conflict, signal).finally(() => {
        asking = false;
      });
    },
  };
  if (args.conflict === 'ask' && !isInteractive(terminal)) options.conflict = 'fail';
  const onAbort = () => progress.text('Cancelling…');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await copy(guest.session, args.sources, args.destination, options);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function finish(
  args: CopyArguments,
  terminal: Terminal,
  result: CopyResult,
  link: string | null,
  context: FileMessageContext,
): number {
  for (const sentence of failures(result, context)) printError(terminal, sentence);
  if (args.json) terminal.stdout.write(`${JSON.stringify(jsonReport(result, link, context))}\n`);
  else if (!args.quiet && isWorthASummary(result)) terminal.stdout.write(summary(result));
  return isComplete(result) ? EXIT_OK : EXIT_INCOMPLETE;
}

/** Where nothing at all was copied, the error says it all. */
function isWorthASummary({ files }: CopyResult): boolean {
  return files.length === 0 || files.some(file => !file.error);
}

async function fail(
  args: CopyArguments,
  terminal: Terminal,
  guest: OpenGuest | undefined,
  failure: { error: unknown; partial: CopyResult },
  signal: AbortSignal,
): Promise<number> {
  const { partial } = failure;
  const error = guest && !signal.aborted ? await diagnose(failure.error, guest) : failure.error;
  const isInterrupted = signal.aborted || codeOfError(error) === 'aborted';
  const context: ErrorContext = {
    ...contextOf(guest),
    uri: uriOf(args.connect),
    domain: guest?.domain?.name ?? args.domain,
    source: args.sources[0],
    destination: args.destination,
  };
  const message = isInterrupted ? cancelled(guest) : describeError(error, context);
  printError(terminal, message);
  if (args.json) {
    const code = isInterrupted ? 'aborted' : codeOfError(error);
    const link = guest?.link.description.device ?? null;
    const report = jsonFailure({ code, message }, partial, link, contextOf(guest));
    terminal.stdout.write(`${JSON.stringify(report)}\n`);
  }
  return isInterrupted ? EXIT_INTERRUPTED : EXIT_INCOMPLETE;
}

function cancelled(guest: OpenGuest | undefined): string {
  return guest ? 'The copy was cancelled; no unfinished file stays in the guest.' : 'The copy was cancelled.';
}
