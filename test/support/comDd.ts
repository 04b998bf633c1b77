// com-dd as a user runs it: the built program, in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './paths.ts';
import { pollUntil } from './polling.ts';
import { run } from './processes.ts';

export interface ComDdResult {
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
  /** Highest resident memory while it ran, bytes; 0 where it ended too soon to be looked at. */
  peakMemoryBytes: number;
}

export interface ComDdRun {
  child: ChildProcess;
  result: Promise<ComDdResult>;
}

const program = path.join(repositoryRoot, 'dist/com-dd.js');
let built: Promise<unknown> | undefined;
const running = new Set<ComDdRun>();

/** Builds dist/com-dd.js, once a process. */
export function buildComDd(): Promise<unknown> {
  built ??= run(process.execPath, ['esbuild.config.mjs'], { cwd: repositoryRoot });
  return built;
}

/** Starts com-dd; the caller may signal `child`. Build it first. */
export function startComDd(args: readonly string[], environment: NodeJS.ProcessEnv = {}): ComDdRun {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let peakMemoryBytes = 0;
  const sampler = setInterval(() => {
    peakMemoryBytes = Math.max(peakMemoryBytes, highWaterMark(child.pid));
  }, 50);
  const result = new Promise<ComDdResult>((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    child.on('error', reject);
    child.on('close', code => {
      clearInterval(sampler);
      resolve({ code, ...output, seconds: (performance.now() - startedAt) / 1_000, peakMemoryBytes });
    });
  });
  const run = { child, result };
  running.add(run);
  void result.catch(() => undefined).then(() => running.delete(run));
  return run;
}

/** A look into the guest takes emulated processor time, which the copy needs. */
const LOOK_MS = 300;

/** Waits for a state in the middle of the run; throws what com-dd said where it ends before. */
export function inMidRun(
  { child, result }: ComDdRun,
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const hasCome = async () => {
    if (await condition()) return true;
    if (child.exitCode === null && child.signalCode === null) return false;
    throw new Error(`com-dd ended before this: ${what}\n${(await result).stderr}`);
  };
  return pollUntil(what, hasCome, { intervalMs: LOOK_MS });
}

/** Ends what a failed test left running, so that the next finds its port free. */
export async function endComDds(): Promise<void> {
  for (const { child, result } of running) {
    child.kill('SIGKILL');
    await result;
  }
}

/** The kernel's own record of the most memory the process ever had; 0 when it is gone. */
export function highWaterMark(pid: number | string | undefined): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Builds if need be, runs com-dd to its end. */
export async function comDd(...args: string[]): Promise<ComDdResult> {
  await buildComDd();
  return startComDd(args).result;
}
