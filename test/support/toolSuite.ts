import { spawn } from 'node:child_process';
import { repositoryRoot } from './paths.ts';
import type { SuiteResult } from './suiteResult.ts';

/** Runs tools of the project one after the other; each counts as one test and shows its output only on failure. */
export async function runTools(commands: string[][], signal: AbortSignal): Promise<SuiteResult> {
  let passed = 0;
  for (const command of commands) passed += (await runTool(command, signal)) ? 1 : 0;
  return { passed, failed: commands.length - passed, skipped: [] };
}

async function runTool(command: string[], signal: AbortSignal): Promise<boolean> {
  const { status, output } = await capture(command, signal);
  process.stdout.write(`${status === 0 ? '✔' : '✖'} ${command.join(' ')}\n`);
  if (status !== 0) process.stdout.write(`${output.trimEnd()}\n`);
  return status === 0;
}

/** Runs a program in the checkout; a program that can't be started has status 127. */
export function capture(command: string[], signal: AbortSignal): Promise<{ status: number; output: string }> {
  const [program = '', ...args] = command;
  return new Promise(resolve => {
    const child = spawn(program, args, { cwd: repositoryRoot, stdio: ['ignore', 'pipe', 'pipe'], signal });
    const parts: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', part => parts.push(part));
    child.on('error', error => resolve({ status: 127, output: error.message }));
    child.on('close', status => resolve({ status: status ?? 1, output: Buffer.concat(parts).toString() }));
  });
}
