import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from './paths.ts';
import { addResults, emptyResult, type SuiteResult } from './suiteResult.ts';
import { capture } from './toolSuite.ts';

/** Runs the Python tests of a folder with the machine's python3: two modules at a time, for much of it is waiting. */
export async function runPythonSuite(folder: string, signal: AbortSignal): Promise<SuiteResult> {
  const directory = path.join(repositoryRoot, folder);
  const modules = fs.readdirSync(directory).filter(name => /^test_.*\.py$/.test(name));
  let total = emptyResult();
  const runInTurn = async (): Promise<void> => {
    for (let module = modules.shift(); module !== undefined; module = modules.shift()) {
      const result = await runModule(directory, module, signal);
      total = addResults(total, result);
    }
  };
  await Promise.all([runInTurn(), runInTurn()]);
  return total;
}

async function runModule(directory: string, module: string, signal: AbortSignal): Promise<SuiteResult> {
  const counts = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-counts-')), 'counts.json');
  const { output } = await capture(
    // -B: no __pycache__ in the checkout.
    ['python3', '-B', path.join(import.meta.dirname, 'runUnittest.py'), directory, module, counts],
    signal,
  );
  process.stdout.write(output);
  try {
    return JSON.parse(fs.readFileSync(counts, 'utf8')) as SuiteResult;
  } catch {
    // It never came to counting.
    return { ...emptyResult(), failed: 1 };
  } finally {
    fs.rmSync(path.dirname(counts), { recursive: true, force: true });
  }
}
