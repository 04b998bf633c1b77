// `npm test`: every suite, in the order in which a failure is cheapest to see. `npm test -- unit guest` runs only
// the suites named, `npm test -- --long` the long form of those that have one. The last line is always
// `N passed, N failed, N skipped`, over all suites.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runCsharpAnalyzers } from './csharpAnalyzers.ts';
import { ensureGuestImage } from './guestImage.ts';
import { longVariable } from './isLong.ts';
import { startPrivateLibvirtd, uriVariable } from './libvirtd.ts';
import { runNodeSuite } from './nodeSuite.ts';
import { repositoryRoot } from './paths.ts';
import { run } from './processes.ts';
import { runPythonSuite } from './pythonSuite.ts';
import { removeAbandoned } from './runDirectory.ts';
import { addResults, emptyResult, type SuiteResult } from './suiteResult.ts';
import { runTools } from './toolSuite.ts';
import { runVscodeSuite } from './vscodeSuite.ts';
import { ensureVsix, vsixVariable } from './vsix.ts';

const LONG = '--long';

type Suite = (signal: AbortSignal) => Promise<SuiteResult>;

/** What looks at the code without running it. */
const lintTools = () => [
  ['biome', 'check', '--error-on-warnings', '.'],
  ['knip'],
  ['node', 'test/support/ruffCheck.ts'],
  ['shellcheck', ...shellScripts()],
  ['node', 'test/support/measure.ts'],
];

const suites: Record<string, Suite> = {
  lint: async signal => addResults(await runTools(lintTools(), signal), await runCsharpAnalyzers(signal)),
  types: signal => runTools([['tsc', '-b']], signal),
  unit: signal => runNodeSuite(['test/unit'], { concurrency: 2, timeoutMs: 180_000, signal }),
  guest: async signal =>
    addResults(
      await runPythonSuite('test/guest', signal),
      await runNodeSuite(['test/guest'], { concurrency: 2, timeoutMs: 180_000, signal }),
    ),
  windows: signal => runPythonSuite('test/windows', signal),
  integration: signal =>
    withLibvirtd(() =>
      // One file after the other: a search for a receiver ends after 8 s, and with two emulated guests on two
      // processors that's too short now and then.
      runNodeSuite(['test/integration'], { concurrency: 1, timeoutMs: 600_000, signal }),
    ),
  vscode: signal => withLibvirtd(() => runVscodeSuite(signal)),
  ui: signal =>
    withLibvirtd(async () => {
      process.env[vsixVariable] = await ensureVsix();
      return runNodeSuite(['test/ui'], { concurrency: 1, timeoutMs: 600_000, signal });
    }),
  package: signal => runTools([['npm', 'run', '--silent', 'package', '--', '--out', '.cache']], signal),
};

/** CI's own has no extension. */
function shellScripts(): string[] {
  const found = ['guest', 'test'].flatMap(folder =>
    fs
      .readdirSync(path.join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.sh'))
      .map(name => path.join(folder, name)),
  );
  return [...found, '.ci/run'];
}

/**
 * Skips that are no failure: what a machine may rightly lack. Every other skip is one: a test that never runs guards
 * nothing.
 */
const expectedSkips: { reason: RegExp; because: string }[] = [
  { reason: /^needs root$/, because: 'an ordinary user can run all the other tests' },
  {
    reason: /^needs PowerShell 7, or the \.NET SDK to get it$/,
    because: 'neither is a Debian package; what the script does is tested under Mono',
  },
  {
    reason: /^needs the \.NET SDK to analyze C#$/,
    because: 'it is no Debian package; CI has it',
  },
  {
    reason: /^needs the \.NET SDK 10 to build for Windows$/,
    because: 'it is no Debian package; only what calls Windows itself is not tested then',
  },
];

/** All files of a suite share one libvirtd. */
async function withLibvirtd(suite: () => Promise<SuiteResult>): Promise<SuiteResult> {
  await ensureGuestImage(message => process.stdout.write(`${message}\n`));
  const libvirtd = await startPrivateLibvirtd();
  process.env[uriVariable] = libvirtd.uri;
  try {
    return await suite();
  } finally {
    delete process.env[uriVariable];
    await libvirtd.stop();
    // A test file that crashed or was stopped could not clear up after itself.
    await removeAbandoned();
  }
}

async function main(args: string[]): Promise<number> {
  const names = args.filter(arg => arg !== LONG);
  const unknown = names.find(name => !(name in suites));
  if (unknown !== undefined) {
    process.stderr.write(`no suite "${unknown}"; there are ${Object.keys(suites).join(', ')}, and ${LONG}\n`);
    return 2;
  }
  // Every suite but the linter's runs built receivers, never their parts.
  await run(process.execPath, ['guest/assemble.mjs'], { cwd: repositoryRoot });
  if (args.includes(LONG)) {
    process.env[longVariable] = '1';
    process.stdout.write('the long form: every matrix whole, pictures in every theme\n');
  }
  const { signal, exitCode } = catchSignals();
  let total = emptyResult();
  for (const name of names.length > 0 ? names : Object.keys(suites)) {
    if (signal.aborted) break;
    total = addResults(total, await runSuite(name, signal));
  }
  process.stdout.write(`\n${formatCounts(total)}\n`);
  return exitCode() ?? (total.failed > 0 ? 1 : 0);
}

/** Runs one suite and judges it: no test at all is a failure too, since a wrong path looks like that. */
async function runSuite(name: string, signal: AbortSignal): Promise<SuiteResult> {
  process.stdout.write(`\n── ${name} ${'─'.repeat(Math.max(0, 76 - name.length))}\n`);
  const started = performance.now();
  const raw = await (suites[name] as Suite)(signal).catch((error: unknown) => {
    process.stdout.write(`✖ ${error instanceof Error ? error.stack : error}\n`);
    return { ...emptyResult(), failed: 1 };
  });
  const result = judgeSkips(raw);
  if (result.passed + result.failed === 0) {
    process.stdout.write(`✖ the suite ${name} holds no test that runs\n`);
    result.failed = 1;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${name}: ${formatCounts(result)} in ${seconds} s\n`);
  return result;
}

function judgeSkips(result: SuiteResult): SuiteResult {
  const unexpected = result.skipped.filter(
    skip => !expectedSkips.some(({ reason }) => reason.test(skip.reason)),
  );
  for (const { name, reason } of unexpected) {
    process.stdout.write(`✖ skipped, but nothing says it may be: ${name} (${reason || 'no reason given'})\n`);
  }
  return {
    passed: result.passed,
    failed: result.failed + unexpected.length,
    skipped: result.skipped.filter(skip => !unexpected.includes(skip)),
  };
}

function formatCounts({ passed, failed, skipped }: SuiteResult): string {
  return `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
}

/** Ctrl-C and SIGTERM end the running suite in good order, so that its daemon and guests end too. */
function catchSignals(): { signal: AbortSignal; exitCode: () => number | undefined } {
  const controller = new AbortController();
  let exitCode: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      exitCode = 128 + os.constants.signals[name];
      controller.abort();
    });
  }
  return { signal: controller.signal, exitCode: () => exitCode };
}

process.exitCode = await main(process.argv.slice(2));
