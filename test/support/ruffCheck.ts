// Lints the Python of this project with ruff, which npm has as WebAssembly: `node test/support/ruffCheck.ts`. It knows
// one file at a time, so a setting can't be looked up beside it; they are all here.
import fs from 'node:fs';
import path from 'node:path';
import { type Diagnostic, PositionEncoding, Workspace } from '@astral-sh/ruff-wasm-nodejs';
import { repositoryRoot } from './paths.ts';

/** What is no fault here, and why. */
const ignored = {
  B904: 'raise without from: an error becomes an answer, and nobody sees what it came from',
  UP022: 'capture_output came with Python 3.7',
  UP031: "printf formats are the code's style, and bytes have no other",
};
const ignoredInTests = {
  ...ignored,
  B023: 'a function in a loop sees the loop variables of the round that calls it: tests call theirs at once',
};

let found = 0;
check('guest/linux', ignored);
check('test', ignoredInTests);
process.exitCode = found > 0 ? 1 : 0;

function check(folder: string, ignore: Record<string, string>): void {
  const workspace = new Workspace(settings(Object.keys(ignore)), PositionEncoding.Utf32);
  for (const file of pythonFiles(folder)) {
    const text = fs.readFileSync(path.join(repositoryRoot, file), 'utf8');
    for (const { code, message, start_location: start } of workspace.check(text) as Diagnostic[]) {
      process.stdout.write(`${file}:${start.row}:${start.column}: ${code ?? 'syntax'} ${message}\n`);
      found += 1;
    }
  }
}

function settings(ignore: string[]): object {
  return {
    // Receivers run on 3.6, and this is the oldest that ruff knows: test/guest checks 3.6's grammar.
    'target-version': 'py37',
    'line-length': 125,
    // Errors of pycodestyle and pyflakes, likely bugs, syntax that is older than it has to be.
    lint: { select: ['E', 'F', 'W', 'B', 'UP'], ignore },
  };
}

function pythonFiles(folder: string): string[] {
  const names = fs.readdirSync(path.join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' });
  return names.filter(name => name.endsWith('.py')).map(name => path.join(folder, name));
}
