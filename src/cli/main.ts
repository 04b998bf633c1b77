import { chooseConnection } from '../engine/guest/chooseConnection.ts';
import { connectionName, connectionNote } from '../engine/messages/connectionMessages.ts';
import { describeError } from '../engine/messages/describeError.ts';
import type { MessageValue } from '../engine/messages/message.ts';
import { isAborted } from '../text/abort.ts';
import { printable } from '../text/printable.ts';
import { version } from '../text/version.ts';
import { copyFiles } from './copyFiles.ts';
import { EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE } from './exitCodes.ts';
import { HELP } from './help.ts';
import { listDomains } from './listDomains.ts';
import { type Arguments, type ListArguments, parseArguments, UsageError } from './parseArguments.ts';
import { printError, type Terminal } from './terminal.ts';
import { worded } from './wording.ts';

/** Runs com-dd; resolves to the exit code. The signal is the user's first Ctrl-C. */
export async function main(
  argv: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  let args: Arguments;
  try {
    args = parseArguments(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    printError(terminal, `${printable(error.message)} See com-dd --help.`);
    return EXIT_USAGE;
  }
  if (args.mode === 'copy') return copyFiles(args, terminal, signal);
  if (args.mode === 'list') return list(args, terminal, signal);
  terminal.stdout.write(args.mode === 'help' ? HELP : `com-dd ${version()}\n`);
  return EXIT_OK;
}

/** @param choose - for tests */
export async function list(
  args: ListArguments,
  terminal: Terminal,
  signal: AbortSignal,
  choose = chooseConnection,
): Promise<number> {
  let uri: MessageValue | undefined;
  try {
    const connection = await choose(args.connect, { signal });
    uri = connectionName(connection);
    const note = connectionNote(connection);
    if (note) printError(terminal, `note: ${worded(note)}`);
    await listDomains(args, connection, terminal, signal);
    return EXIT_OK;
  } catch (error) {
    if (signal.aborted || isAborted(error)) return EXIT_INTERRUPTED;
    printError(terminal, worded(describeError(error, { uri })));
    return EXIT_INCOMPLETE;
  }
}
