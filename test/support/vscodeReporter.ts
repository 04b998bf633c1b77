// Mocha's reporter for tests inside VS Code. What they print reaches the runner mixed with the window's log or not at
// all, and a window whose extension host died exits with status 0. So results go into a file, line by line, and only
// its last line says that the run came to its end.
import type { EventEmitter } from 'node:events';
import fs from 'node:fs';

export const resultsVariable = 'GUESTWIRE_TEST_RESULTS';

export type VscodeTestEvent =
  | { type: 'pass'; name: string; durationMs: number }
  | { type: 'fail'; name: string; error: string }
  | { type: 'skip'; name: string }
  | { type: 'end' };

function writeEvent(event: VscodeTestEvent): void {
  const file = process.env[resultsVariable];
  if (file) fs.appendFileSync(file, `${JSON.stringify(event)}\n`);
}

/** What of Mocha's test is used. */
interface MochaTest {
  fullTitle(): string;
  duration?: number;
}

export default class VscodeReporter {
  constructor(runner: EventEmitter) {
    runner.on('pass', (test: MochaTest) =>
      writeEvent({ type: 'pass', name: test.fullTitle(), durationMs: test.duration ?? 0 }),
    );
    runner.on('fail', (test: MochaTest, error: Error) =>
      writeEvent({ type: 'fail', name: test.fullTitle(), error: error.stack ?? String(error) }),
    );
    runner.on('pending', (test: MochaTest) => writeEvent({ type: 'skip', name: test.fullTitle() }));
    runner.on('end', () => writeEvent({ type: 'end' }));
  }
}
