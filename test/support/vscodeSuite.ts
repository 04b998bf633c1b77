// Runs test/vscode inside a real VS Code: the desktop where there is one, else the server with a headless browser.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { uriVariable } from './libvirtd.ts';
import { cacheRoot, repositoryRoot } from './paths.ts';
import { findProgram, run } from './processes.ts';
import { makeRunDirectory, removeRunDirectory } from './runDirectory.ts';
import { emptyResult, type SuiteResult } from './suiteResult.ts';
import { ensureVscodeHost } from './vscodeHost.ts';
import { resultsVariable, type VscodeTestEvent } from './vscodeReporter.ts';
import { writeSettings } from './vscodeServer.ts';

const testFolder = path.join(repositoryRoot, 'test/vscode');
const bundleFolder = path.join(cacheRoot, 'vscode-tests');

/** Needs a libvirtd (`uriVariable`), which the tests boot their guests under and the extension is connected to. */
export async function runVscodeSuite(signal: AbortSignal): Promise<SuiteResult> {
  const executable = await findVscode();
  await run(process.execPath, ['esbuild.config.mjs'], { cwd: repositoryRoot });
  await bundleTests();
  const directory = makeRunDirectory();
  try {
    const results = path.join(directory, 'results.jsonl');
    const status = await runTestCli(directory, { executable, results }, signal);
    return reportResults(readEvents(results), status);
  } finally {
    await removeRunDirectory(directory);
  }
}

/** The desktop's executable needs a display; the look-alike needs nothing. */
async function findVscode(): Promise<string> {
  const command = findProgram('code');
  if (command && (process.env.DISPLAY || process.env.WAYLAND_DISPLAY)) {
    // What is in PATH is a script that starts the executable one folder higher, and doesn't wait for it.
    return path.resolve(fs.realpathSync(command), '../../code');
  }
  await ensureVscodeHost(message => process.stdout.write(`${message}\n`));
  return path.join(import.meta.dirname, 'vscodeExecutable.ts');
}

/** Extension hosts load tests by `require`, so each becomes one CommonJS file with what it imports. */
async function bundleTests(): Promise<void> {
  fs.rmSync(bundleFolder, { recursive: true, force: true });
  const files = fs.readdirSync(testFolder, { recursive: true, encoding: 'utf8' });
  const tests = files.filter(name => name.endsWith('.test.ts')).map(name => path.join(testFolder, name));
  const options: BuildOptions = {
    outdir: bundleFolder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    sourcemap: 'inline',
    external: ['vscode', 'serialport'],
    plugins: [keepModulePaths],
  };
  await build({ ...options, entryPoints: tests, outbase: testFolder });
  await build({
    ...options,
    entryPoints: [path.join(import.meta.dirname, 'vscodeReporter.ts')],
    // Mocha wants the class itself.
    footer: { js: 'module.exports = module.exports.default;' },
  });
}

/** Test support finds the checkout by its own place, which stays that of the source. */
const keepModulePaths: Plugin = {
  name: 'keep-module-paths',
  setup({ onLoad }) {
    onLoad({ filter: /\/test\/.*\.ts$/ }, ({ path: file }) => ({
      loader: 'ts',
      contents: fs
        .readFileSync(file, 'utf8')
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file)))
        .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file)))
        .replaceAll('import.meta.filename', JSON.stringify(file)),
    }));
  },
};

async function runTestCli(
  directory: string,
  { executable, results }: { executable: string; results: string },
  signal: AbortSignal,
): Promise<number> {
  const workspace = path.join(directory, 'workspace');
  fs.mkdirSync(workspace);
  const userDirectory = path.join(directory, 'user');
  writeSettings(userDirectory, { 'guestwire.connections': [process.env[uriVariable]] });
  const cli = fileURLToPath(import.meta.resolve('@vscode/test-cli')).replace(/index\.\w+$/, 'bin.mjs');
  const child = spawn(process.execPath, [cli], {
    cwd: repositoryRoot,
    // A group of its own, so that a signal reaches the window too.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      [resultsVariable]: results,
      GUESTWIRE_TEST_VSCODE: executable,
      GUESTWIRE_TEST_WORKSPACE: workspace,
      GUESTWIRE_TEST_USER: userDirectory,
    },
  });
  const stop = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
  };
  signal.addEventListener('abort', stop);
  const { promise, resolve } = Promise.withResolvers<number>();
  child.once('error', () => resolve(127));
  child.once('close', code => resolve(code ?? 1));
  return promise.finally(() => signal.removeEventListener('abort', stop));
}

function readEvents(file: string): VscodeTestEvent[] {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map(line => JSON.parse(line) as VscodeTestEvent);
}

function reportResults(events: VscodeTestEvent[], status: number): SuiteResult {
  const result = emptyResult();
  for (const event of events) {
    if (event.type === 'pass') {
      result.passed++;
      say(`✔ ${event.name} (${event.durationMs} ms)`);
    } else if (event.type === 'fail') {
      result.failed++;
      say(`✖ ${event.name}\n${event.error}`);
    } else if (event.type === 'skip') {
      result.skipped.push({ name: event.name, reason: '' });
    }
  }
  const complete = events.at(-1)?.type === 'end';
  if (complete && (status === 0 || result.failed > 0)) return result;
  say(`✖ VS Code ended with status ${status} ${complete ? 'after' : 'before'} the end of the tests`);
  return { ...result, failed: result.failed + 1 };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
