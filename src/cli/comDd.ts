import { describeError } from '../engine/messages/describeError.ts';
import { debug } from './debug.ts';
import { EXIT_INCOMPLETE, EXIT_INTERRUPTED } from './exitCodes.ts';
import { main } from './main.ts';
import { type OutputStream, printError } from './terminal.ts';
import { worded } from './wording.ts';

const interruption = new AbortController();

/** The first one lets the copy clean up behind itself, the second ends at once. */
function onInterrupt(): void {
  if (interruption.signal.aborted) process.exit(EXIT_INTERRUPTED);
  interruption.abort();
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onInterrupt);
// Whoever read our output has had enough (`| head`): not an error, and nobody to tell.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

/** Until what was written before has gone out. */
function flush(stream: OutputStream): Promise<void> {
  return new Promise(resolve => stream.write('', () => resolve()));
}

let exitCode = EXIT_INCOMPLETE;
try {
  exitCode = await main(process.argv.slice(2), process, interruption.signal);
} catch (error) {
  debug(error);
  printError(process, worded(describeError(error)));
}
await Promise.all([flush(process.stdout), flush(process.stderr)]);
// A connection that will not close must not keep the terminal.
process.exit(exitCode);
