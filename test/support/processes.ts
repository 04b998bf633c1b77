// Processes are named by pid *and* start time: a pid alone is given to another process sooner or later, and
// this code kills what it finds.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { isSoon } from './polling.ts';

const execFileAsync = promisify(execFile);

export interface ProcessIdentity {
  pid: number;
  /** Clock ticks after boot, as in /proc/PID/stat field 22. */
  startTicks: string;
}

/** The identity of a living process, or undefined. A zombie counts as dead. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    // The command (field 2) may hold spaces and brackets, so count from behind its last bracket.
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const startTicks = rest[18];
    return state === 'Z' || startTicks === undefined ? undefined : { pid, startTicks };
  } catch {
    return undefined;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTicks === identity.startTicks;
}

/** Those whose arguments, each ended by a NUL, are what is looked for. */
export function listProcesses(isWanted: (commandLine: string) => boolean): ProcessIdentity[] {
  return fs
    .readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => isWanted(readCommandLine(pid)))
    .flatMap(pid => identify(Number(pid)) ?? []);
}

function readCommandLine(pid: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Sends a signal; a process that is gone already is no error. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** SIGTERM, then after `graceMs` SIGKILL; returns when the process is gone. */
export async function endProcess(identity: ProcessIdentity, graceMs = 5000): Promise<void> {
  signalProcess(identity, 'SIGTERM');
  if (await isSoon(() => !isAlive(identity), graceMs)) return;
  signalProcess(identity, 'SIGKILL');
  await isSoon(() => !isAlive(identity), 2000);
}

export interface RunOptions {
  timeoutMs?: number;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Runs a program and gives its standard output; a failure carries what it said on standard error. */
export async function run(program: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { timeoutMs = 60_000, ...rest } = options;
  try {
    const result = await execFileAsync(program, args, {
      ...rest,
      timeout: timeoutMs,
      maxBuffer: 64 * 1024 * 1024,
      encoding: 'utf8',
    });
    return result.stdout;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(`${program} ${args.join(' ')}: ${stderr?.trim() || message}`, { cause: error });
  }
}

/** Finds a program in PATH or in the system directories an ordinary user's PATH leaves out on Debian. */
export function findProgram(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  return directories.map(directory => `${directory}/${name}`).find(file => fs.existsSync(file));
}
