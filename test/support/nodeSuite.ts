import fs from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { repositoryRoot } from './paths.ts';
import { emptyResult, type SuiteResult } from './suiteResult.ts';

export interface NodeSuiteOptions {
  /** Files run at a time. */
  concurrency: number;
  /** What one test may take that sets no limit of its own: longer, and it hangs. */
  timeoutMs: number;
  signal: AbortSignal;
}

interface TestEvent {
  name: string;
  skip?: string | boolean;
  todo?: string | boolean;
  details: { type?: string | undefined };
}

/** Runs all `*.test.ts` below the folders, printing each test, and counts tests (not `describe` blocks). */
export async function runNodeSuite(folders: string[], options: NodeSuiteOptions): Promise<SuiteResult> {
  const files = folders.flatMap(findTestFiles).sort();
  if (files.length === 0) return emptyResult();
  const { concurrency, timeoutMs, signal } = options;
  const events = run({
    files,
    concurrency,
    timeout: timeoutMs,
    signal,
    cwd: repositoryRoot,
    execArgv: [`--import=${new URL('endHung.ts', import.meta.url)}`],
  });
  const result = emptyResult();
  let finished = false;
  events.on('test:summary', ({ file, counts }) => {
    // There is one summary per file and one, without a file, for all.
    if (file !== undefined) return;
    finished = true;
    result.passed = counts.passed;
    result.failed = counts.tests - counts.passed - counts.skipped - counts.todo;
  });
  // A `todo` counts as skipped whether it passes or fails: either way nothing is guarded.
  const noteSkip = ({ name, skip, todo, details }: TestEvent): void => {
    if (details.type === 'suite' || (skip === undefined && todo === undefined)) return;
    const reason = skip ?? todo;
    result.skipped.push({ name, reason: typeof reason === 'string' ? reason : '' });
  };
  events.on('test:pass', noteSkip);
  events.on('test:fail', noteSkip);
  await print(events.compose(spec));
  if (!finished) result.failed = Math.max(1, result.failed);
  return result;
}

async function print(stream: NodeJS.ReadableStream): Promise<void> {
  for await (const text of stream) process.stdout.write(text);
}

function findTestFiles(folder: string): string[] {
  const directory = path.join(repositoryRoot, folder);
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map(name => path.join(directory, name));
}
