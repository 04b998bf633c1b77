#!/usr/bin/env node
// Looks like VS Code's executable to @vscode/test-electron, with the same arguments and exit code, but runs the VS Code
// server and shows its window in a headless Chromium: for machines without a desktop.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { format, parseArgs } from 'node:util';
import type { Browser } from 'playwright-core';
import { launchBrowser, startVscodeServer, type VscodeServer, workbenchUrl } from './vscodeServer.ts';

const TIMEOUT_MS = 600_000;
const MAX_ERRORS = 20;
const exitCodes = { failed: 1, crashed: 97, timedOut: 98 };

const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: {
    extensionDevelopmentPath: { type: 'string', multiple: true },
    extensionTestsPath: { type: 'string' },
    'user-data-dir': { type: 'string' },
    'extensions-dir': { type: 'string' },
    'disable-extensions': { type: 'boolean' },
  },
});
const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-code-'));
const [folder] = positionals;
/** What the window logged, of use only where the tests didn't get to report themselves. */
const windowErrors: string[] = [];
let server: VscodeServer | undefined;
let browser: Browser | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void finish(128 + os.constants.signals[signal]));
try {
  await finish(await runWindow());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  await finish(exitCodes.failed);
}

async function finish(code: number): Promise<never> {
  if (code !== 0) process.stderr.write(windowErrors.map(line => `window: ${line}\n`).join(''));
  await browser?.close().catch(() => {});
  await server?.stop();
  fs.rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}

/** Opens the window, in which the tests start by themselves, and gives the code it wants to exit with. */
async function runWindow(): Promise<number> {
  server = await startVscodeServer({
    userDirectory: text('user-data-dir') ?? path.join(temporary, 'user'),
    extensionsDirectory: text('extensions-dir') ?? path.join(temporary, 'extensions'),
    smokeTestDriver: true,
  });
  browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const { promise, resolve } = Promise.withResolvers<number>();
  // The two functions by which a window under test speaks to who started it.
  await page.exposeFunction('codeAutomationExit', resolve);
  await page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => {
    if (type === 'error' && windowErrors.length < MAX_ERRORS) windowErrors.push(format(...args));
  });
  page.once('crash', () => resolve(exitCodes.crashed));
  const timer = setTimeout(() => resolve(exitCodes.timedOut), TIMEOUT_MS);
  await page.goto(workbenchUrl(server, folder && path.resolve(folder), payload(server)));
  return promise.finally(() => clearTimeout(timer));
}

function payload({ authority }: VscodeServer): Array<[string, string]> {
  const uri = (file: string): string => `vscode-remote://${authority}${path.resolve(file)}`;
  const developed = values.extensionDevelopmentPath ?? [];
  return [
    ...developed.map((file): [string, string] => ['extensionDevelopmentPath', uri(String(file))]),
    ['extensionTestsPath', uri(text('extensionTestsPath') ?? '')],
    ...(values['disable-extensions'] ? [['disableExtensions', 'true'] as [string, string]] : []),
  ];
}

function text(name: 'extensionTestsPath' | 'user-data-dir' | 'extensions-dir'): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}
