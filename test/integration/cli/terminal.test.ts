// com-dd as it behaves at a terminal, and what scripts get from it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { buildComDd, comDd } from '../../support/comDd.ts';
import type { Guest } from '../../support/guest.ts';
import { repositoryRoot } from '../../support/paths.ts';
import { isSoon } from '../../support/polling.ts';
import { SetUp } from '../../support/setUp.ts';

interface TerminalRun {
  readonly child: ChildProcess;
  /** All that the terminal has shown so far. */
  shown(): string;
  readonly code: Promise<number | null>;
}

/** Of util-linux: gives a command a terminal of its own. */
const TERMINAL_MAKER = 'script';

/** Runs com-dd in a terminal; what is written to `child.stdin` is typed there. */
function atTerminal(...args: string[]): TerminalRun {
  const words = [process.execPath, path.join(repositoryRoot, 'dist/com-dd.js'), ...args];
  const command = words.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const child = spawn(TERMINAL_MAKER, ['-qefc', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    shown += text;
  });
  const code = new Promise<number | null>(resolve => child.once('close', resolve));
  return { child, shown: () => shown, code };
}

describe('com-dd at a terminal', () => {
  const setUp = new SetUp();
  const directory = setUp.folder('terminal');
  const file = path.join(directory, 'file\u001b[31m.bin');
  const bytes = crypto.randomBytes(150_000);
  let guest: Guest;

  before(async () => {
    await buildComDd();
    fs.writeFileSync(file, bytes);
    await setUp.libvirtd();
    guest = await setUp.guest({ name: 'terminal' });
  });

  const connection = () => ['--connect', guest.uri];
  const isOver = (run: TerminalRun) => isSoon(() => run.child.exitCode !== null, 60_000);

  async function shows(run: TerminalRun, words: string | RegExp): Promise<void> {
    const isShown = () => (typeof words === 'string' ? run.shown().includes(words) : words.test(run.shown()));
    assert.ok(await isSoon(isShown, 60_000), run.shown());
  }

  async function answer(run: TerminalRun, typed: string): Promise<void> {
    await shows(run, '[k]eep both');
    run.child.stdin?.write(typed);
  }

  it('shows progress on one line, names made harmless, and then the result', async () => {
    const run = atTerminal(...connection(), '--link', 'serial1', guest.name, file, '/tmp/a');
    assert.ok(await isOver(run));
    assert.equal(await run.code, 0, run.shown());
    const text = run.shown();
    assert.match(
      text.replaceAll('\u001b', '<ESC>'),
      /\r<ESC>\[Kfile\\x1b\[31m\.bin {2}\d+% {2}[\d.]+ kB of 150 kB {2}[\d.]+ k?B\/s/,
    );
    const last = text.slice(text.lastIndexOf('\r\u001b[K') + 4);
    assert.match(last, /^150000 bytes copied, [\d.]+ s, \d+ bytes\/s\r\nSHA-256 verified: [0-9a-f]{64}\r\n$/);
  });

  it('shows nothing but errors with --quiet', async () => {
    const run = atTerminal(...connection(), '--quiet', guest.name, file, '/tmp/quiet');
    assert.ok(await isOver(run));
    assert.equal(await run.code, 0);
    assert.equal(run.shown(), '');
  });

  it('asks before it replaces another file, and does as told', async () => {
    await guest.mustRun('echo old > /tmp/there');
    const run = atTerminal(...connection(), guest.name, file, '/tmp/there');
    await answer(run, 'what?\nk\n');
    assert.ok(await isOver(run));
    assert.equal(await run.code, 0, run.shown());
    assert.equal(await guest.mustRun('cat /tmp/there'), 'old\n');
    const sha256 = crypto.createHash('sha256').update(bytes).digest('hex');
    assert.equal(await guest.sha256('/tmp/there (2)'), sha256);
  });

  it('takes Ctrl-C at the question for a cancellation', async () => {
    await guest.mustRun('echo old > /tmp/there');
    const run = atTerminal(...connection(), guest.name, file, '/tmp/there');
    await answer(run, '\u0003');
    assert.ok(await isOver(run));
    assert.equal(await run.code, 130, run.shown());
    assert.match(
      run.shown(),
      /com-dd: The copy was cancelled\. No unfinished file stays in the guest\.\r\n$/,
    );
    assert.equal(await guest.mustRun('cat /tmp/there'), 'old\n');
  });

  it('ends at once at the second Ctrl-C', async () => {
    const large = path.join(directory, 'large');
    fs.writeFileSync(large, crypto.randomBytes(5_000_000));
    const run = atTerminal(...connection(), '--link', 'serial1', guest.name, large, '/tmp/large');
    await shows(run, / [1-9]\d* kB of 5\.00 MB/);
    // Stopped, so that it doesn't answer the cancellation before the second Ctrl-C.
    await guest.signalReceiver('SIGSTOP');
    run.child.stdin?.write('\u0003');
    // Two at once may come as one signal.
    await shows(run, 'Cancelling…');
    run.child.stdin?.write('\u0003');
    assert.ok(await isOver(run), 'still running');
    assert.equal(await run.code, 130);
    assert.doesNotMatch(run.shown(), /The copy was cancelled/, 'it waited for the receiver');
    await guest.signalReceiver('SIGCONT');
    // The receiver drops the session with the next HELLO, and with it the unfinished file.
    const next = await comDd(...connection(), '--link', 'serial1', guest.name, file, '/tmp/next');
    assert.equal(next.code, 0, next.stderr);
    assert.notEqual((await guest.run('ls /tmp/large /tmp/.guestwire-*')).status, 0);
  });

  it('gives scripts one JSON object, with the link it used', async () => {
    const name = path.basename(file);
    for (const [option, link] of [
      ['auto', 'org.guestwire.0'],
      ['channel0', 'org.guestwire.0'],
      ['console1', 'console1'],
      [await guest.ptyPath('serial1'), await guest.ptyPath('serial1')],
    ] as const) {
      await guest.mustRun('rm -rf /tmp/json; mkdir /tmp/json');
      const { code, stdout, stderr } = await comDd(
        ...connection(),
        '--json',
        '--link',
        option,
        guest.name,
        file,
        '/tmp/json',
      );
      assert.equal(code, 0, stderr);
      assert.equal(stderr, '');
      const report = JSON.parse(stdout);
      const sha256 = crypto.createHash('sha256').update(bytes).digest('hex');
      const copied = {
        source: file,
        destination: `/tmp/json/${name}`,
        bytes: bytes.length,
        sha256,
        verified: true,
        skipped: false,
      };
      assert.deepEqual(report.files, [copied]);
      assert.equal(report.bytes, bytes.length);
      assert.ok(report.wireBytes > report.bytes && report.seconds > 0 && report.bytesPerSecond > 0);
      assert.equal(report.link, link);
      assert.equal(report.resumedFrom, 0);
    }
  });

  it('finds the domain by UUID and by id', async () => {
    const listed = JSON.parse((await comDd(...connection(), '--list', '--json')).stdout);
    const { uuid, id } = listed.domains.find((domain: { name: string }) => domain.name === guest.name);
    for (const word of [uuid, String(id)]) {
      const { code, stderr } = await comDd(...connection(), word, file, '/dev/null');
      assert.equal(code, 0, stderr);
    }
  });

  it('lists domains with their links and why they are taken or not', async () => {
    const { code, stdout } = await comDd(...connection(), '--list');
    assert.equal(code, 0);
    const block = stdout
      .slice(stdout.indexOf(`${guest.name}  (running)\n`))
      .split('\n')
      .slice(1, 5);
    assert.match(block[0] ?? '', /^ {2}org\.guestwire\.0 {2}tried .*fastest/);
    assert.match(block[1] ?? '', /^ {2}serial1 {10}tried /);
    assert.match(block[2] ?? '', /^ {2}serial0 {10}not tried .*console=ttyS0/);
    assert.match(block[3] ?? '', /^ {2}console1 {9}not tried .*login/);
  });
});
