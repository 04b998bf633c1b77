// The VS Code that tests and `npm start` run in where there is no desktop: the server out of npm's code-server (it has no npm package
// of its own), which needs neither a compiler nor a display. The window is a headless Chromium's.
import fs from 'node:fs';
import path from 'node:path';
import { cacheRoot } from './paths.ts';
import { findProgram, run } from './processes.ts';

/** 4.139.1 holds VS Code 1.139.1. */
const VERSION = '4.139.1';
const INSTALL_TIMEOUT_MS = 600_000;
const home = path.join(cacheRoot, `vscode-host-${VERSION}`);
const inHome = 'node_modules/code-server/lib/vscode';

/**
 * Left out, half of the size: what only AI features and developing containers need, and other platforms' copies.
 * Copilot would also sign up for itself in every window.
 */
const unneeded = [
  'node_modules/@github',
  'node_modules/@devcontainers',
  'node_modules/@microsoft/mxc-sdk',
  'extensions/copilot',
  'extensions/mermaid-markdown-features',
];
const perPlatform = ['node_modules/@vscode/ripgrep-universal/bin', 'node_modules/node-pty/prebuilds'];

/** Installs the server if it is not there yet (half a minute) and gives its folder. */
export async function ensureVscodeHost(report: (message: string) => void): Promise<string> {
  if (!fs.existsSync(home)) {
    report('installing the VS Code server (once, about 100 MB, half a minute)');
    await install();
  }
  return path.join(home, inHome);
}

/** Under its final name the folder is whole, so that another run may look at any time. */
async function install(): Promise<void> {
  const unfinished = `${home}.${process.pid}`;
  fs.mkdirSync(unfinished, { recursive: true });
  try {
    const manifest = { private: true, dependencies: { 'code-server': VERSION } };
    fs.writeFileSync(path.join(unfinished, 'package.json'), JSON.stringify(manifest));
    const server = path.join(unfinished, inHome);
    await npmInstall(unfinished);
    // Not `npm ci`: the shrinkwrap files name optional modules of all platforms.
    for (const folder of [server, path.join(server, 'extensions')]) await npmInstall(folder, '--omit=dev');
    trim(server);
    fs.renameSync(unfinished, home);
  } finally {
    fs.rmSync(unfinished, { recursive: true, force: true });
  }
}

/** No install scripts: the native modules come prebuilt, and only building them again needs a compiler. */
async function npmInstall(folder: string, ...options: string[]): Promise<void> {
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...options];
  await run('npm', args, { cwd: folder, timeoutMs: INSTALL_TIMEOUT_MS });
}

function trim(server: string): void {
  const here = `${process.platform}-${process.arch}`;
  const foreign = perPlatform.flatMap(folder =>
    fs.readdirSync(path.join(server, folder)).flatMap(name => (name === here ? [] : `${folder}/${name}`)),
  );
  for (const name of [...unneeded, ...foreign])
    fs.rmSync(path.join(server, name), { recursive: true, force: true });
}

/** The browser the machine has. */
export function findChromium(): string {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const found = names.map(findProgram).find(file => file !== undefined);
  if (!found)
    throw new Error('there is no Chromium for the VS Code tests: install the Debian package chromium');
  return found;
}
