// What a user gets wrong, or the guest can't do: each ends soon, in one clear sentence, with nothing half-written.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, it, type TestContext } from 'node:test';
import { connect } from 'libvirt';
import { buildComDd, type ComDdResult, endComDds, inMidRun, startComDd } from '../../support/comDd.ts';
import { type Guest, quoteForShell } from '../../support/guest.ts';
import { run } from '../../support/processes.ts';
import { SetUp } from '../../support/setUp.ts';
import { WithheldSource } from '../../support/withheldSource.ts';
import { throwawayDomains } from '../libvirt/throwawayDomain.ts';

const ERROR_SECONDS = 10;
const AUTOMATIC = 'org.guestwire.0';
const RECEIVER = 'python3 /guestwire/receiver.py';

describe('bad input', () => {
  const setUp = new SetUp();
  const directory = setUp.folder('bad-input');
  const small = path.join(directory, 'small');
  const large = path.join(directory, 'large');
  let guest: Guest;

  before(async () => {
    await buildComDd();
    fs.writeFileSync(small, crypto.randomBytes(1_000));
    fs.writeFileSync(large, crypto.randomBytes(4_000_000));
    await setUp.libvirtd();
    guest = await setUp.guest({ name: 'bad-input' });
  });

  afterEach(endComDds);

  const comDd = (...args: string[]) => startComDd(['--connect', guest.uri, ...args]).result;
  const copy = (...args: string[]) => comDd(guest.name, ...args);

  /** One sentence on stderr, nothing on stdout, soon. */
  function assertClear(result: ComDdResult, ...words: (RegExp | string)[]): void {
    const { code, stdout, stderr, seconds } = result;
    assert.equal(code, 1, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^com-dd: [^\n]+[.?]\n$/);
    assert.doesNotMatch(stderr, / {4}at |Error:|\bE[A-Z]{4,}\b|undefined/);
    for (const word of words)
      assert.ok(typeof word === 'string' ? stderr.includes(word) : word.test(stderr), stderr);
    assert.ok(seconds < ERROR_SECONDS, `took ${seconds} s`);
  }

  async function assertAbsent(...names: string[]): Promise<void> {
    for (const name of names)
      assert.notEqual((await guest.run(`ls -d ${name}`)).status, 0, `${name} is there`);
    const unfinished = await guest.run('find / -xdev -name ".guestwire-*" | grep .');
    assert.equal(unfinished.stdout, '');
  }

  async function restartReceiver(command: string, args: string): Promise<void> {
    await guest.killReceiver();
    const settings = [
      `RECEIVER_COMMAND=${quoteForShell(command)}`,
      `RECEIVER_ARGUMENTS=${quoteForShell(args)}`,
    ];
    for (const line of settings)
      await guest.mustRun(`echo ${quoteForShell(line)} >> /guestwire-test/boot.env`);
    await guest.startReceiver();
  }

  /** Another receiver, or the same with other arguments, until the end of the test. */
  async function withReceiver(t: TestContext, args: string, command = RECEIVER): Promise<void> {
    t.after(() => restartReceiver(RECEIVER, ''));
    await restartReceiver(command, args);
  }

  it('unknown domain', async () => {
    assertClear(await comDd('no-such-domain', small, '/tmp/x'), '"no-such-domain"', guest.uri, '--list');
    assertClear(await comDd(crypto.randomUUID(), small, '/tmp/x'), /There is no domain/);
    assertClear(await comDd('999999', small, '/tmp/x'), /There is no domain/);
  });

  it('unknown device', async () => {
    assertClear(
      await copy(small, '/tmp/x', '--link', 'serial7'),
      '"serial7"',
      guest.name,
      'serial1',
      AUTOMATIC,
    );
  });

  it('connection that leads nowhere', async () => {
    const socket = path.join(directory, 'no-libvirt');
    const { result } = startComDd([
      '--connect',
      `qemu:///session?socket=${socket}`,
      guest.name,
      small,
      '/tmp/x',
    ]);
    assertClear(await result, socket);
    assertClear(
      await startComDd(['--connect', 'nonsense', guest.name, small, '/tmp/x']).result,
      '"nonsense"',
    );
  });

  it('source that is not there', async () => {
    const missing = path.join(directory, 'missing');
    assertClear(await copy(missing, '/tmp/x'), missing, "doesn't exist");
    await assertAbsent('/tmp/x');
  });

  it('source that is no file or folder', async () => {
    const fifo = path.join(directory, 'fifo');
    await run('mkfifo', [fifo]);
    assertClear(await copy(fifo, '/tmp/x'), fifo, 'not a file or folder');
    await assertAbsent('/tmp/x');
  });

  it('source that may not be read', async () => {
    const secret = path.join(directory, 'secret');
    fs.writeFileSync(secret, 'secret', { mode: 0o000 });
    // Nothing is closed to root; a file that can't be read for another reason stands in for it.
    const source = process.getuid?.() === 0 ? '/proc/self/mem' : secret;
    assertClear(await copy(source, '/tmp/x'), source, /can't be read|permission to read/);
    await assertAbsent('/tmp/x');
  });

  it('one bad source among good ones: the others are copied', async () => {
    const missing = path.join(directory, 'missing');
    const { code, stdout, stderr } = await copy(small, missing, '/tmp/');
    assert.equal(code, 1);
    assert.match(stdout, /^1000 bytes copied, .*\nSHA-256 verified: 1 of 2 files\n$/);
    assert.equal(stderr.split('\n').length, 3);
    assert.match(stderr, /missing" doesn't exist.*\ncom-dd: 1 of 2 files was not copied\.\n/);
    await guest.mustRun('rm /tmp/small');
  });

  it('destination that is not writable', async () => {
    assertClear(await copy(small, '/ro/x'), '"/ro/x"', 'read-only');
    assertClear(await copy(small, '/no/such/folder/x'), '"/no/such/folder/x"', /folder/);
    assertClear(await copy(small, '/no/such/folder/'), '"/no/such/folder/"', /folder/);
    assertClear(await copy(small, '/etc/hostname/x'), '"/etc/hostname/x"', /folder/);
    assertClear(await copy(small, `/tmp/${'n'.repeat(300)}`), /too long/);
    await assertAbsent('/ro/x', '/no', '/tmp/nnn*');
  });

  it('several files to what is no folder', async () => {
    await guest.mustRun('echo old > /tmp/file');
    assertClear(await copy(small, large, '/tmp/file'), '"/tmp/file"', /not a folder/);
    assert.equal(await guest.mustRun('cat /tmp/file; rm /tmp/file'), 'old\n');
  });

  it('another file there, nobody to ask', async () => {
    await guest.mustRun('echo old > /tmp/file');
    assertClear(await copy(small, '/tmp/file'), '"/tmp/file"', '--conflict');
    assert.equal(await guest.mustRun('cat /tmp/file; rm /tmp/file'), 'old\n');
  });

  it("guest's disk is full", async () => {
    for (const link of ['auto', 'serial1']) {
      assertClear(await copy(large, '/small/x', '--link', link), '"/small/x"', /disk is full/);
      await assertAbsent('/small/x');
    }
  });

  it('read-only receiver', async t => {
    await withReceiver(t, '--read-only');
    assertClear(await copy(small, '/tmp/x'), /read-only mode/);
    await assertAbsent('/tmp/x');
  });

  it('out of --root', async t => {
    await guest.mustRun('mkdir -p /tmp/root /tmp/outside && ln -sfn /tmp/outside /tmp/root/way-out');
    await withReceiver(t, '--root /tmp/root');
    for (const way of ['/tmp/outside/x', '/tmp/root/../outside/x', '/tmp/root/way-out/x', '/tmp/outside/']) {
      assertClear(await copy(small, way), /outside "\/tmp\/root", the folder/);
    }
    assert.equal(await guest.mustRun('ls -A /tmp/outside'), '');
    const inside = await copy(small, '/tmp/root/x');
    assert.equal(inside.code, 0, inside.stderr);
    await guest.mustRun('rm /tmp/root/x');
  });

  it('receiver of another protocol version', async t => {
    const edit = 's/^PROTOCOL_LOW = .*/PROTOCOL_LOW = PROTOCOL_HIGH = 9/w /tmp/edited';
    await guest.mustRun(`sed '${edit}' /guestwire/receiver.py > /tmp/version9.py && [ -s /tmp/edited ]`);
    await withReceiver(t, '', 'python3 /tmp/version9.py');
    for (const link of ['auto', 'serial1']) {
      assertClear(await copy(small, '/tmp/x', '--link', link), guest.name, /another version of the protocol/);
    }
    await assertAbsent('/tmp/x');
  });

  it('no receiver', async t => {
    await guest.killReceiver();
    t.after(() => guest.startReceiver());
    for (const link of ['auto', 'serial1', 'console1', AUTOMATIC]) {
      const result = await copy(small, '/tmp/x', '--link', link);
      assertClear(result, guest.name, 'python3 receiver.py', link === 'auto' ? 'serial1' : link);
    }
    const json = await copy(small, '/tmp/x', '--json');
    assert.equal(JSON.parse(json.stdout).error.code, 'no-receiver');
    await assertAbsent('/tmp/x');
  });

  it('device that another program has', async () => {
    const source = new WithheldSource(large, 1_000_000);
    const args = ['--connect', guest.uri, '--link', 'serial1', guest.name, large, '/tmp/x'];
    const holder = startComDd(args, source.environment);
    const isUnderWay = async () => (await guest.run('ls /tmp/.guestwire-*')).status === 0;
    await inMidRun(holder, 'the copy has begun in the guest', isUnderWay);
    assertClear(await copy(small, '/tmp/y', '--link', 'serial1'), guest.name, 'serial1', 'in use');
    holder.child.kill('SIGINT');
    source.release();
    assert.equal((await holder.result).code, 130);
    await assertAbsent('/tmp/x');
  });

  it('domain that is paused, or shut off', async t => {
    const virsh = (command: string) => run('virsh', ['-q', '-c', guest.uri, command, guest.name]);
    await virsh('suspend');
    t.after(() => virsh('resume'));
    assertClear(await copy(small, '/tmp/x'), guest.name, /is paused\. Resume it/);
    const connection = await connect(guest.uri);
    const domains = await throwawayDomains(connection, 'bad-input');
    t.after(async () => {
      await domains.remove();
      await connection.close();
    });
    const { name } = await domains.define('off');
    assertClear(await comDd(name, small, '/tmp/x'), name, /is shut off\. Start it/);
    const list = await comDd('--list');
    assert.ok(list.stdout.includes(`${name}  (shut off)\n`), list.stdout);
    assert.equal(list.code, 0);
  });
});
