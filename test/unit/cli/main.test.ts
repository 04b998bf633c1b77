import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { LibvirtError } from 'libvirt';
import { list, main } from '../../../src/cli/main.ts';
import { fakeTerminal } from './fakeTerminal.ts';

const directory = mkdtempSync(join(tmpdir(), 'guestwire-cli-'));
after(() => rmSync(directory, { recursive: true }));
const never = new AbortController().signal;

async function run(...argv: string[]) {
  const terminal = fakeTerminal();
  const code = await main(argv, terminal, never);
  return { code, out: terminal.out(), err: terminal.err() };
}

describe('com-dd without a guest', () => {
  it('ends with 2 and one sentence when it is used wrongly', async () => {
    for (const argv of [[], ['x'], ['--nonsense'], ['guest', 'a', 'b', '--conflict', 'no']]) {
      const { code, out, err } = await run(...argv);
      assert.equal(code, 2);
      assert.equal(out, '');
      assert.match(err, /^com-dd: [^\n]+\. See com-dd --help\.\n$/);
    }
  });

  it('prints help and version on stdout', async () => {
    const help = await run('--help');
    assert.equal(help.code, 0);
    for (const word of [
      '--connect',
      '--link',
      '--conflict',
      '--compress',
      '--delta',
      '--lanes',
      '--checksum',
      '--also',
      '--json',
      '--quiet',
      '--list',
    ]) {
      assert.ok(help.out.includes(word), word);
    }
    assert.ok(help.out.split('\n').every(line => line.length <= 90));
    const { code, out } = await run('--version');
    assert.equal(code, 0);
    assert.match(out, /^com-dd \d+\.\d+\.\d+\n$/);
  });

  it('does not ask the guest when there is nothing to copy', async () => {
    const missing = join(directory, 'missing');
    const { code, out, err } = await run('-c', 'never:///asked', 'guest', missing, '/tmp/');
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.equal(err, `com-dd: "${missing}" doesn't exist on this computer. Check its name.\n`);
  });

  it('gives one JSON object for every failure', async () => {
    const file = import.meta.filename;
    for (const argv of [
      ['guest', join(directory, 'missing'), '/tmp/'],
      ['-c', `qemu:///session?socket=${join(directory, 'no-socket')}`, 'guest', file, '/tmp/'],
    ]) {
      const { code, out, err } = await run('--json', ...argv);
      assert.equal(code, 1);
      const report = JSON.parse(out);
      assert.deepEqual(
        [
          report.bytes,
          report.wireBytes,
          report.seconds,
          report.bytesPerSecond,
          report.link,
          report.resumedFrom,
        ],
        [0, 0, 0, 0, null, 0],
      );
      const error = report.error ?? report.files[0].error;
      assert.equal(err, `com-dd: ${error.message}\n`);
    }
  });

  it('says in one sentence that libvirt is not there', async () => {
    const uri = `qemu:///session?socket=${join(directory, 'no-socket')}`;
    for (const argv of [
      ['-c', uri, 'guest', import.meta.filename, '/tmp/'],
      ['-c', uri, '--list'],
    ]) {
      const { code, err } = await run(...argv);
      assert.equal(code, 1);
      assert.match(err, /^com-dd: libvirt's socket .*no-socket" doesn't exist[^\n]*\n$/);
    }
  });

  it('says that the list is of another connection than the first choice', async () => {
    const error = new LibvirtError('no-socket', '');
    const uri = `qemu:///session?socket=${join(directory, 'no-socket')}`;
    const choose = async () => ({ uri, passedOver: { uri: 'qemu:///system', error } });
    const terminal = fakeTerminal();
    const args = { mode: 'list', connect: undefined, json: false } as const;
    assert.equal(await list(args, terminal, never, choose), 1);
    assert.match(
      terminal.err(),
      /^com-dd: note: Using qemu:\/\/\/session.*, because qemu:\/\/\/system can't be reached: its daemon isn't running\.\n/,
    );
  });

  it('says in one sentence that the port of the host is not there', async () => {
    const { code, err } = await run(
      '--link',
      join(directory, 'ttyX'),
      'guest',
      import.meta.filename,
      '/tmp/',
    );
    assert.equal(code, 1);
    assert.match(err, /^com-dd: This computer has no serial port ".*ttyX"\.\n$/);
  });
});
