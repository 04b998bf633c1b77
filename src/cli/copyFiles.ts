import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { type ChosenConnection, chooseConnection } from '../engine/guest/chooseConnection.ts';
import { connectionName, connectionNote } from '../engine/messages/connectionMessages.ts';
import { linkNotes } from '../engine/messages/linkNotes.ts';
import { type GuestCopy, runCopies } from '../engine/transfers/runCopies.ts';
import { isHostPort } from '../link/index.ts';
import { isAborted } from '../text/abort.ts';
import { printable } from '../text/printable.ts';
import type { CopyResult } from '../transfer/index.ts';
import { CopyDisplay } from './copyDisplay.ts';
import { EXIT_INTERRUPTED } from './exitCodes.ts';
import type { CopyArguments } from './parseArguments.ts';
import { emptyResult } from './report.ts';
import { reportCopies } from './reportCopies.ts';
import type { Terminal } from './terminal.ts';
import { worded } from './wording.ts';

/**
 * The command itself, into one domain or several. Everything that goes wrong is printed here.
 *
 * @param run - for tests, which have no guest
 * @returns the exit code
 */
export async function copyFiles(
  args: CopyArguments,
  terminal: Terminal,
  signal: AbortSignal,
  run = runCopies,
  choose = chooseConnection,
): Promise<number> {
  const missing = await missingSources(args.sources, args.destination);
  if (missing) return reportCopies([{ domain: args.domain, label: '', result: missing }], args, terminal);
  const connection = await connectionFor(args, signal, choose);
  if (!connection) return EXIT_INTERRUPTED;
  const domains = [args.domain, ...args.also];
  const { sources, repeated } = alikeSources(args.sources);
  const display = new CopyDisplay(terminal, args.quiet, signal);
  const note = connectionNote(connection);
  if (note && !args.quiet) display.note([`note: ${worded(note)}`]);
  display.start(domains);
  if (!args.quiet) display.note(repeated.map(repeatedNote));
  const parts = domains.map(domain => {
    const label = domains.length > 1 ? `${printable(domain)}: ` : '';
    return { domain, label, copy: guestCopy(domain, label, { args, connection, display, signal }) };
  });
  const ends = await Promise.all(
    run(
      parts.map(({ copy }) => copy),
      sources,
    ),
  );
  display.stop();
  return reportCopies(
    parts.map(({ domain, label }, index) => ({ domain, label, ...ends[index] })),
    args,
    terminal,
    signal,
  );
}

/** A port of this computer needs none. Undefined where the user has lost patience. */
async function connectionFor(
  { connect, link }: CopyArguments,
  signal: AbortSignal,
  choose: typeof chooseConnection,
): Promise<ChosenConnection | undefined> {
  if (isHostPort(link)) return { uri: connect ?? '' };
  return choose(connect, { signal }).catch(error => {
    if (isAborted(error)) return undefined;
    throw error;
  });
}

interface CopyParts {
  readonly args: CopyArguments;
  readonly connection: ChosenConnection;
  readonly display: CopyDisplay;
  readonly signal: AbortSignal;
}

function guestCopy(name: string, label: string, parts: CopyParts): GuestCopy {
  const { args, connection, display, signal } = parts;
  const { link, lanes, destination, checksum } = args;
  return {
    target: { kind: 'domain', uri: connection.uri, name, link },
    connectionName: connectionName(connection),
    ...{ destination, lanes, signal },
    options: {
      conflict: args.conflict === 'ask' && !display.canAsk ? 'fail' : args.conflict,
      ...{ compression: args.compress, delta: args.delta, checksum },
      onProgress: progress => display.show(name, progress),
      onConflict: conflict => display.ask(label, conflict),
    },
    onOpened: guest => {
      if (!args.quiet)
        display.note(linkNotes(guest, link === 'auto').map(note => `${label}note: ${worded(note)}`));
    },
  };
}

/** One file named twice gets one spelling, so that it's copied once, as cp does it. */
function alikeSources(named: readonly string[]): { sources: string[]; repeated: string[] } {
  const first = new Map<string, string>();
  const repeated = new Set<string>();
  const sources = named.map(source => {
    const file = path.resolve(source);
    const known = first.get(file);
    if (known === undefined) first.set(file, source);
    else repeated.add(source);
    return known ?? source;
  });
  return { sources, repeated: [...repeated] };
}

function repeatedNote(source: string): string {
  return `note: You named "${printable(source)}" more than once. It's copied once.`;
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
