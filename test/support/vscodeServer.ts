// Starts the VS Code server of vscodeHost.ts, with extensions installed, and the browser that shows its window.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, chromium } from 'playwright-core';
import { isSoon } from './polling.ts';
import { identify, isAlive, run } from './processes.ts';
import { recordProcess } from './runDirectory.ts';
import { ensureVscodeHost, findChromium } from './vscodeHost.ts';

const START_TIMEOUT_MS = 90_000;
const STOP_GRACE_MS = 5_000;

export interface VscodeServerOptions {
  /** Holds settings, state and logs, as `--user-data-dir` of the desktop does. */
  userDirectory: string;
  extensionsDirectory: string;
  /** A run directory to note the process in, so that what a crashed run left is ended by the next. */
  runDirectory?: string;
  /** What a page must know to be let in. A test's server, gone in a minute, lets in whoever finds its port. */
  connectionToken?: string;
  /** In-host tests: the page may name extension and tests, but shows no toasts and no dialogs. */
  smokeTestDriver?: boolean;
  environment?: NodeJS.ProcessEnv;
  arguments?: string[];
}

export interface VscodeServer {
  /** As in `vscode-remote://AUTHORITY/…`. */
  authority: string;
  /** Fulfilled when it ended, whoever ended it. */
  ended: Promise<void>;
  /** Ends it with the extension hosts and terminals it started. Safe to call twice. */
  stop(): Promise<void>;
}

/** What makes a window quiet and the same each time; a test adds its own. */
const quietSettings = {
  'chat.commandCenter.enabled': false,
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'window.menuBarVisibility': 'compact',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
};

/**
 * Writes the settings of a window. The server reads them at its start and then watches them; those of machine scope
 * it takes from a file of their own, where the desktop has but one.
 */
export function writeSettings(userDirectory: string, settings: Record<string, unknown>): void {
  for (const scope of ['User', 'Machine']) {
    fs.mkdirSync(path.join(userDirectory, scope), { recursive: true });
    const file = path.join(userDirectory, scope, 'settings.json');
    // Whole at once: read half-written, every setting would seem to have changed, of which some ask for a reload.
    fs.writeFileSync(`${file}.new`, JSON.stringify({ ...quietSettings, ...settings }, null, 2));
    fs.renameSync(`${file}.new`, file);
  }
}

async function serverCommand(): Promise<[program: string, script: string]> {
  const root = await ensureVscodeHost(message => process.stderr.write(`${message}\n`));
  return [process.execPath, path.join(root, 'out/server-main.js')];
}

export async function installExtension(
  vsix: string,
  { userDirectory, extensionsDirectory }: Pick<VscodeServerOptions, 'userDirectory' | 'extensionsDirectory'>,
): Promise<void> {
  const [program, script] = await serverCommand();
  const server = ['--server-data-dir', path.join(userDirectory, 'server'), '--accept-server-license-terms'];
  const install = ['--extensions-dir', extensionsDirectory, '--install-extension', vsix];
  await run(program, [script, ...server, ...install]);
}

export async function startVscodeServer(options: VscodeServerOptions): Promise<VscodeServer> {
  const [program, script] = await serverCommand();
  const child = spawn(program, [script, ...serverArguments(options)], {
    // A group of its own: it starts extension hosts and terminals, and all of them must end.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
  });
  const stop = (): Promise<void> => endGroup(child);
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity && options.runDirectory) recordProcess(options.runDirectory, identity);
  try {
    return { authority: `127.0.0.1:${await readPort(child)}`, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serverArguments(options: VscodeServerOptions): string[] {
  const { userDirectory, extensionsDirectory, connectionToken } = options;
  return [
    ...['--host', '127.0.0.1', '--port', '0', '--accept-server-license-terms'],
    ...tokenArguments(userDirectory, connectionToken),
    ...['--server-data-dir', path.join(userDirectory, 'server'), '--user-data-dir', userDirectory],
    ...['--extensions-dir', extensionsDirectory, '--disable-telemetry', '--disable-experiments'],
    '--disable-workspace-trust',
    ...(options.smokeTestDriver ? ['--enable-smoke-test-driver'] : []),
    ...(options.arguments ?? []),
  ];
}

/** In a file, for everybody may see a process's arguments. */
function tokenArguments(userDirectory: string, token: string | undefined): string[] {
  if (token === undefined) return ['--without-connection-token'];
  const file = path.join(userDirectory, 'connection-token');
  fs.writeFileSync(file, token, { mode: 0o600 });
  return ['--connection-token-file', file];
}

/** The port it chose; its other output is read so that it never blocks, and shown when it ends instead. */
function readPort(child: ChildProcess): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const said: string[] = [];
  const fail = (what: string): void => reject(new Error(`the VS Code server ${what}\n${said.join('\n')}`));
  const timer = setTimeout(() => fail(`did not start within ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', line => {
      if (said.length < 100) said.push(line);
      const port = /listening on (\d+)/.exec(line)?.[1];
      if (port) resolve(Number(port));
    });
  }
  child.once('error', error => fail(error.message));
  child.once('exit', code => fail(`ended with status ${code}`));
  return promise.finally(() => clearTimeout(timer));
}

async function endGroup(child: ChildProcess): Promise<void> {
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (!identity) return;
  signalGroup(identity.pid, 'SIGTERM');
  await isSoon(() => !isAlive(identity), STOP_GRACE_MS);
  // Whoever is left of the group, whether or not the server itself is.
  signalGroup(identity.pid, 'SIGKILL');
  await isSoon(() => !isAlive(identity), STOP_GRACE_MS);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    args: [
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--disable-quic',
      '--disable-sync',
      '--no-first-run',
      // Root, and most containers, have no sandbox; what is shown is our own.
      '--no-sandbox',
    ],
  });
}

/** Address of a window on a folder, or on nothing. `payload` is what the command line is to the desktop. */
export function workbenchUrl(
  { authority }: VscodeServer,
  folder: string | undefined,
  payload: Array<[name: string, value: string]>,
): string {
  const query = new URLSearchParams(folder === undefined ? { ew: 'true' } : { folder });
  query.set('payload', JSON.stringify([['skipWelcome', 'true'], ...payload]));
  return `http://${authority}/?${query}`;
}
