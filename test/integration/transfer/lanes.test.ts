// Several serial ports of one domain side by side, in a real guest: all of them carry, one is taken away in the middle,
// and what arrives is whole.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, before, it } from 'node:test';
import { connect } from 'libvirt';
import { buildComDd, type ComDdRun, endComDds, inMidRun, startComDd } from '../../support/comDd.ts';
import { describeEachReceiver } from '../../support/eachReceiver.ts';
import { type Guest, guestPorts } from '../../support/guest.ts';
import { pollUntil } from '../../support/polling.ts';
import { SetUp } from '../../support/setUp.ts';
import { WithheldSource } from '../../support/withheldSource.ts';

const LARGE_BYTES = 1_000_000;
/** Enough for the further ports to be opened. The rest comes when the test says so. */
const FIRST_BYTES = 150_000;
const STEP_BYTES = 30_000;
/** Several frames, beyond the greetings. */
const SHARE_BYTES = 5_000;
const ALL_CARRY_MS = 45_000;
const LAST_BYTES = 100_000;
const isaSerial = (port: number) => `<serial type="pty"><target type="isa-serial" port="${port}"/></serial>`;

interface Report {
  bytes: number;
  link: string;
  lanes: number;
  files: { verified: boolean; sha256: string }[];
}

describeEachReceiver('serial ports side by side', receiver => {
  const setUp = new SetUp();
  const directory = setUp.folder('lanes');
  const large = path.join(directory, 'large');
  const sha256 = () => crypto.createHash('sha256').update(fs.readFileSync(large)).digest('hex');
  let guest: Guest;
  let source: WithheldSource;

  before(async () => {
    await buildComDd();
    fs.writeFileSync(large, crypto.randomBytes(LARGE_BYTES));
    source = new WithheldSource(large, FIRST_BYTES);
    await setUp.privateLibvirtd();
    guest = await setUp.guest({
      name: 'lanes',
      receiver,
      furtherDevices: isaSerial(2) + isaSerial(3),
      receiverPorts: [...Object.values(guestPorts), '/dev/ttyS2', '/dev/ttyS3'],
    });
  });

  afterEach(endComDds);

  const argumentsFor = (...options: string[]) => [
    ...['--connect', guest.uri, '--link', 'serial1', '--json', '--conflict', 'overwrite'],
    ...['--compress', 'off', '--delta', 'off', ...options, guest.name, large, '/tmp/large'],
  ];
  const startCopy = (...options: string[]) => startComDd(argumentsFor(...options));

  /** With all ports; sends only the file's beginning until the source is released. */
  function startHeldCopy(): ComDdRun {
    source.hold();
    return startComDd(argumentsFor('--lanes', 'on'), source.environment);
  }

  /** How much came in by each port, the main one first. */
  async function receivedSince(before: readonly number[]): Promise<number[]> {
    return (await received()).map((bytes, port) => bytes - (before[port] ?? 0));
  }

  /**
   * A held copy of which each port has carried frames. It gets more of the file, bit by bit, until then: however long the
   * guest takes to open and join them, the file doesn't end before. A port that a busy guest doesn't join in time is left
   * alone for the rest of a copy, so it may take another.
   */
  async function startOnAllPorts(): Promise<ComDdRun> {
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      const before = await received();
      const copy = startHeldCopy();
      let allowed = FIRST_BYTES;
      const haveCarried = async () => {
        if ((await receivedSince(before)).every(bytes => bytes > SHARE_BYTES)) return true;
        allowed = Math.min(allowed + STEP_BYTES, LARGE_BYTES - LAST_BYTES);
        source.allow(allowed);
        return false;
      };
      // Seldom: each look takes the guest's only processor from the ports.
      const looks = { timeoutMs: ALL_CARRY_MS, intervalMs: 300 };
      const carried = pollUntil('each port carried frames', haveCarried, looks);
      if (await carried.catch(() => false)) return copy;
      source.release();
      await assertWhole(copy);
    }
    assert.fail('in none of 4 copies did each port carry frames');
  }

  /** Bytes that have come in by the guest's second, third and fourth serial port since its boot, by its own count. */
  async function received(): Promise<[number, number, number]> {
    const counts = await guest.mustRun('cat /proc/tty/driver/serial');
    const of = (port: number) => Number(new RegExp(`^${port}:.* rx:(\\d+)`, 'm').exec(counts)?.[1] ?? 0);
    return [of(1), of(2), of(3)];
  }

  async function assertWhole(copy: ComDdRun): Promise<Report> {
    const { code, stdout, stderr } = await copy.result;
    assert.equal(code, 0, stderr);
    const report = JSON.parse(stdout) as Report;
    assert.equal(report.link, 'serial1');
    assert.equal(report.bytes, LARGE_BYTES);
    assert.deepEqual(
      report.files.map(file => [file.verified, file.sha256]),
      [[true, sha256()]],
    );
    assert.equal(await guest.sha256('/tmp/large'), sha256());
    return report;
  }

  /** Another program has the port meanwhile. */
  async function whileTaken(device: string, work: () => Promise<void>): Promise<void> {
    const connection = await connect(guest.uri);
    try {
      const domain = await connection.lookupByName(guest.name);
      const taken = await connection.openConsole(domain, device, { force: true });
      taken.on('error', () => undefined);
      await work();
      taken.destroy();
    } finally {
      await connection.close();
    }
  }

  it('all of them carry one file', async () => {
    const copy = await startOnAllPorts();
    source.release();
    const { lanes } = await assertWhole(copy);
    // All three have carried. One may be gone since: a port that is silent for 2.5 s is given up, and an emulated guest
    // on a busy machine is silent for so long now and then.
    assert.ok(lanes === 3 || lanes === 2, `${lanes} lanes`);
  });

  it('one is taken by another program in the middle', async () => {
    const copy = await startOnAllPorts();
    await whileTaken('serial2', async () => {
      source.release();
      const { lanes } = await assertWhole(copy);
      assert.ok(lanes === 2 || lanes === 1, `${lanes} lanes`);
    });
  });

  it('the main one is taken: the copy ends, and the next goes on where it was', async () => {
    await guest.mustRun('rm -f /tmp/large');
    const copy = startHeldCopy();
    // What is kept begins at 64 KiB.
    const kept = 'cat /tmp/.guestwire-*.partial 2> /dev/null | wc -c';
    await inMidRun(
      copy,
      'there is something to keep',
      async () => Number(await guest.mustRun(kept)) > 70_000,
    );
    await whileTaken('serial1', async () => {
      source.release();
      const { code } = await copy.result;
      assert.equal(code, 1);
      assert.notEqual((await guest.run('ls /tmp/large')).status, 0, 'nothing has the final name');
    });
    await assertWhole(startCopy('--lanes', 'on', '--delta', 'auto'));
  });

  it('none but the link is touched when lanes are off, or the file is small', async () => {
    const before = await received();
    assert.equal((await assertWhole(startCopy('--lanes', 'off'))).lanes, 1);
    fs.truncateSync(large, 40_000);
    const small = await startCopy('--lanes', 'auto').result;
    assert.equal(small.code, 0, small.stderr);
    assert.deepEqual((await received()).slice(1), before.slice(1));
  });
});
