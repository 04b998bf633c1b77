// What can happen in mid-copy: the receiver is killed, the domain destroyed, libvirtd stopped, the user loses patience.
// Each ends soon, in words, with nothing under the final name; and the next copy works without anybody's help. What a
// lost link leaves is one partial file to go on with; what the user cancels leaves nothing.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, before, it } from 'node:test';
import { buildComDd, type ComDdRun, comDd, endComDds, inMidRun, startComDd } from '../../support/comDd.ts';
import { describeEachReceiver } from '../../support/eachReceiver.ts';
import type { Guest } from '../../support/guest.ts';
import { isLong } from '../../support/isLong.ts';
import type { PrivateLibvirtd } from '../../support/libvirtd.ts';
import { run } from '../../support/processes.ts';
import { SetUp } from '../../support/setUp.ts';
import { WithheldSource } from '../../support/withheldSource.ts';

const ERROR_SECONDS = 15;
/** The channel takes it in a second, a serial port in many minutes. */
const LARGE_BYTES = 150_000_000;
/** Of its end, so that no copy is over before the fault. */
const WITHHELD_BYTES = 1_000_000;
const LINKS = ['serial1', 'console1', 'org.guestwire.0'];
type Kill = [link: string, signal: 'SIGTERM' | 'SIGKILL'];

describeEachReceiver('in mid-copy', receiver => {
  // What the host does is the same with every receiver: with the second one each link and each fault come once.
  const isWhole = isLong || receiver === 'python';
  const everyKill = LINKS.flatMap((link): Kill[] => [
    [link, 'SIGTERM'],
    [link, 'SIGKILL'],
  ]);
  const kills = everyKill.filter(
    ([link, signal]) => isWhole || (signal === 'SIGTERM') === (link === 'console1'),
  );
  const lossyLinks = isWhole ? LINKS : ['org.guestwire.0'];
  const destroyedLinks = isWhole ? LINKS : ['serial1'];
  const setUp = new SetUp();
  const directory = setUp.folder('faults');
  const small = path.join(directory, 'small');
  const large = path.join(directory, 'large');
  let libvirtd: PrivateLibvirtd;
  let guest: Guest;
  let source: WithheldSource;

  before(async () => {
    await buildComDd();
    fs.writeFileSync(small, crypto.randomBytes(20_000));
    // Sparse, so that it costs no disk.
    fs.writeFileSync(large, '');
    fs.truncateSync(large, LARGE_BYTES);
    source = new WithheldSource(large, LARGE_BYTES - WITHHELD_BYTES);
    libvirtd = await setUp.privateLibvirtd();
    guest = await setUp.guest({ name: 'faults', memoryMb: 640, receiver });
  });

  afterEach(endComDds);

  const argumentsFor = (link: string, source: string, destination: string) => [
    ...['--connect', guest.uri, '--link', link, guest.name, source, destination],
  ];

  /** Starts a copy that doesn't come to its end before it is released, and waits until its bytes are coming in. */
  async function startLargeCopy(link: string): Promise<ComDdRun> {
    await guest.mustRun('rm -f /tmp/.guestwire-*');
    source.hold();
    const args = ['--compress', 'off', ...argumentsFor(link, large, '/tmp/large')];
    const copy = startComDd(args, source.environment);
    const sizes = 'cat /tmp/.guestwire-*.partial 2>/dev/null | head -c 1 | wc -c';
    await inMidRun(
      copy,
      'bytes arrive in the guest',
      async () => (await guest.mustRun(sizes)).trim() === '1',
    );
    return copy;
  }

  async function assertEndsClearly(copy: ComDdRun, since: number, words: RegExp): Promise<void> {
    source.release();
    const { code, stderr } = await copy.result;
    const seconds = (performance.now() - since) / 1_000;
    assert.ok(seconds < ERROR_SECONDS, `took ${seconds} s`);
    assert.equal(code, 1);
    assert.match(stderr, words);
    assert.ok(stderr.includes(guest.name) || stderr.includes(guest.uri), stderr);
    assert.doesNotMatch(stderr, /\n\s+at |E[A-Z]{4,}|undefined/);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }

  async function assertNextCopyWorks(link: string): Promise<void> {
    const { code, stderr } = await comDd(
      ...argumentsFor(link, small, '/tmp/next'),
      '--conflict',
      'overwrite',
    );
    assert.equal(code, 0, stderr);
    const sha256 = crypto.createHash('sha256').update(fs.readFileSync(small)).digest('hex');
    assert.equal(await guest.sha256('/tmp/next'), sha256);
  }

  const assertNothingLeft = async (pattern = '/tmp/large') =>
    assert.notEqual((await guest.run(`ls ${pattern}`)).status, 0, `${pattern} is there`);

  for (const [link, signal] of kills) {
    it(`${link}: the receiver gets ${signal}`, async () => {
      const copy = await startLargeCopy(link);
      const since = performance.now();
      await guest.killReceiver(signal);
      await assertEndsClearly(copy, since, /receiver/i);
      await assertNothingLeft();
      await guest.startReceiver();
      await assertNextCopyWorks(link);
      await assertNothingLeft('/tmp/.guestwire-*.part');
    });
  }

  it('the user interrupts', async () => {
    const copy = await startLargeCopy('org.guestwire.0');
    copy.child.kill('SIGINT');
    source.release();
    assert.equal((await copy.result).code, 130);
    await assertNothingLeft();
    await assertNothingLeft('/tmp/.guestwire-*');
    await assertNextCopyWorks('org.guestwire.0');
  });

  it('com-dd itself is killed', async () => {
    const copy = await startLargeCopy('serial1');
    copy.child.kill('SIGKILL');
    await copy.result;
    await assertNextCopyWorks('serial1');
    await assertNothingLeft();
  });

  for (const link of lossyLinks) {
    it(`${link}: libvirtd stops and comes back`, async () => {
      const copy = await startLargeCopy(link);
      const since = performance.now();
      await libvirtd.stopLibvirtd('SIGTERM');
      await assertEndsClearly(
        copy,
        since,
        /connection to libvirt .* was lost during the copy.*doesn't answer/,
      );
      await libvirtd.startLibvirtd();
      await assertNextCopyWorks(link);
      await assertNothingLeft();
    });
  }

  it('the domain is destroyed and started again', async () => {
    for (const link of destroyedLinks) {
      const copy = await startLargeCopy(link);
      const since = performance.now();
      await guest.forceOff();
      await assertEndsClearly(copy, since, /was forced off during the copy\. Start it/);
      await guest.start();
      await assertNextCopyWorks(link);
    }
  });

  // What the host finds out is the same with every receiver.
  if (isWhole)
    it('the domain is saved', async () => {
      const copy = await startLargeCopy('org.guestwire.0');
      const virsh = (command: string) => run('virsh', ['-q', '-c', guest.uri, command, guest.name]);
      await virsh('managedsave');
      await assertEndsClearly(
        copy,
        performance.now(),
        /was saved and stopped during the copy|paused while libvirt saves/,
      );
      await virsh('managedsave-remove');
      await guest.start();
      await assertNextCopyWorks('org.guestwire.0');
    });
});
