// `npm start` from its first line to Ctrl-C, without the installing before it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { pollUntil } from '../support/polling.ts';
import { identify } from '../support/processes.ts';
import { runDirectoriesOf } from '../support/runDirectory.ts';
import { launchBrowser } from '../support/vscodeServer.ts';
import { Workbench } from '../support/vscodeWorkbench.ts';

const program = path.resolve(import.meta.dirname, '../support/start.ts');
/** Builds, boots and copies before; on a busy machine each takes its time. */
const START_MS = 240_000;

const rates =
  /isa-serial \(16550A\) +[\d,]+ .*\nvirtio channel +[\d,]+ .*\nthe paper \(16550A, Windows 7\) +51,770 /;

class Run {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  output = '';

  constructor(args: string[], environment: NodeJS.ProcessEnv) {
    // Not the desktop's VS Code, which would open in front of who runs the tests.
    const env = { ...process.env, DISPLAY: '', WAYLAND_DISPLAY: '', ...environment };
    this.child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = once(this.child, 'close');
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
  }
}

describe('npm start', () => {
  const runs: Run[] = [];
  const start = (args: string[], environment: NodeJS.ProcessEnv): Run => {
    const run = new Run(args, environment);
    runs.push(run);
    return run;
  };

  after(async () => {
    for (const { child } of runs) child.kill();
    await Promise.all(runs.map(run => run.ended));
  });

  it('npm start shows the rates, opens VS Code, and ends with all it started on a signal', async () => {
    const run = start([], { CI: '' });
    const address = await pollUntil(
      'npm start printed an address',
      () => run.child.exitCode !== null || /http:\/\/127\.0\.0\.1:\S+(?=\n)/.exec(run.output)?.[0],
      { timeoutMs: START_MS },
    );
    assert.ok(typeof address === 'string', run.output);
    assert.match(run.output, rates);
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(90_000);
      await page.goto(address);
      const workbench = new Workbench(page, { userDirectory: '', settings: {}, close: async () => {} });
      await workbench.ready();
      await workbench.file('website').waitFor();
      await page.locator('.view-line', { hasText: 'Guestwire: try it' }).waitFor();
      await workbench.openGuestwire();
      await workbench.treeRow('Demo').filter({ hasText: '1 domain' }).waitFor();
      await workbench.treeRow('demo-guest').filter({ hasText: 'running' }).waitFor();
      await workbench.screenshot('npm-start');
    } finally {
      await browser.close();
    }
    const { origin } = new URL(address);
    assert.equal((await fetch(origin)).status, 403, 'without the token nobody is let in');
    const owner = identify(run.child.pid as number);
    assert.ok(owner);
    const directories = runDirectoriesOf(owner);
    assert.ok(directories.length >= 4, 'of libvirtd, guest, VS Code and sample');
    run.child.kill('SIGTERM');
    assert.deepEqual(await run.ended, [0, null], run.output);
    assert.deepEqual(
      directories.filter(directory => fs.existsSync(directory)),
      [],
    );
    await assert.rejects(fetch(origin));
  });

  it('npm start only shows the rates in CI', async () => {
    const run = start([], { CI: 'true' });
    assert.deepEqual(await run.ended, [0, null], run.output);
    assert.match(run.output, rates);
    assert.doesNotMatch(run.output, /http:/);
  });

  it('npm start reports an unknown option', async () => {
    const run = start(['--dmeo'], {});
    assert.deepEqual(await run.ended, [2, null], run.output);
    assert.match(run.output, /^guestwire: .*--dmeo/);
  });
});
