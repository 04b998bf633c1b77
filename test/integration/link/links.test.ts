// Links of a real domain: opened, busy, searched; and what must never be written to.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Domain, LibvirtConnection } from 'libvirt';
import {
  type Candidate,
  chooseCandidate,
  findReceiver,
  isLinkError,
  type Link,
  openHostPort,
  openLink,
  parseDomainDevices,
  type ReceiverSearch,
  rankCandidates,
  type SessionOpener,
} from '../../../src/link/index.ts';
import { isProtocolError, openSession, type Session } from '../../../src/protocol/index.ts';
import { type Guest, guestPorts } from '../../support/guest.ts';
import { pollUntil } from '../../support/polling.ts';
import { SetUp } from '../../support/setUp.ts';

/** The search gives up after 8; what else there is to do takes its time on a busy machine. */
const SEARCH_SECONDS = 20;

const handshake: SessionOpener<Session> = async (link, signal) => {
  try {
    const isChannel = link.description.kind === 'channel';
    return { session: await openSession(link.stream, { signal, timeoutMs: 180_000, isChannel }) };
  } catch (error) {
    if (!isProtocolError(error)) throw error;
    return error.occupant && { occupant: error.occupant };
  }
};

describe('links of a real domain', () => {
  const setUp = new SetUp();
  let guest: Guest;
  let connection: LibvirtConnection;
  let domain: Domain;

  before(async () => {
    await setUp.libvirtd();
    guest = await setUp.guest({ name: 'links', startReceiver: false });
    connection = await setUp.connection();
    domain = await connection.lookupByName(guest.name);
  });

  const candidates = async () => rankCandidates(parseDomainDevices(await connection.domainXml(domain)));
  const candidate = async (device: string) => chooseCandidate(await candidates(), device, guest.name);
  const open = async (device: string) => openLink(connection, domain, await candidate(device));

  async function search(): Promise<ReceiverSearch<Session>> {
    return {
      domainName: guest.name,
      osFamily: 'unknown',
      candidates: await candidates(),
      open: (one: Candidate, signal: AbortSignal) => openLink(connection, domain, one, { signal }),
      handshake,
    };
  }

  /** Bytes that a serial port of the guest has taken in since boot. */
  async function receivedBytes(port: number): Promise<number> {
    const line = await guest.mustRun(`grep '^${port}:' /proc/tty/driver/serial`);
    return Number(/ rx:(\d+)/.exec(line)?.[1] ?? 0);
  }

  async function close(link: Link): Promise<void> {
    const closed = new Promise(resolve => link.stream.once('close', resolve));
    link.stream.on('error', () => undefined).destroy();
    await closed;
  }

  /** Reads five bytes at the guest's end and answers with five. */
  async function assertCarriesBytes(link: Link, port: string): Promise<void> {
    const script = `stty raw -echo < ${port} 2>/dev/null; head -c 5 ${port} > /tmp/seen; printf world > ${port}`;
    await guest.mustRun(`rm -f /tmp/seen; (exec 3<>${port}; : > /tmp/ready; ${script}) > /dev/null 2>&1 &`);
    await guest.mustRun('until rm /tmp/ready 2> /dev/null; do usleep 20000; done');
    let answer = '';
    link.stream.on('data', chunk => {
      answer += chunk;
    });
    link.stream.write('hello');
    await pollUntil('the guest answers', () => answer.includes('world'));
    assert.equal(await guest.mustRun('cat /tmp/seen'), 'hello');
  }

  it('ranks them as its XML says', async () => {
    const uses = (await candidates()).map(({ device, use }) => `${device} ${use}`);
    assert.deepEqual(uses, [
      'serial1 automatic',
      'org.guestwire.0 closed-in-guest',
      'serial0 named-only',
      'console1 named-only',
    ]);
  });

  for (const [device, port] of [
    ['serial1', guestPorts.serial1],
    ['console1', guestPorts.console1],
  ] as const) {
    it(`opens ${device}, both ways`, async () => {
      const link = await open(device);
      await assertCarriesBytes(link, port);
      await close(link);
    });
  }

  it('opens the channel by name and by alias, and sees whether the guest has it open', async () => {
    const script = `exec 3<>${guestPorts.channel0}; : > /tmp/open; while [ -e /tmp/open ]; do usleep 50000; done`;
    await guest.mustRun(`(${script}) > /dev/null 2>&1 &`);
    const use = async () => (await candidates()).find(({ kind }) => kind === 'channel')?.use;
    await pollUntil('the channel is seen open', async () => (await use()) === 'automatic');
    await guest.mustRun('rm /tmp/open');
    await pollUntil('the channel is seen closed', async () => (await use()) === 'closed-in-guest');
    for (const name of ['org.guestwire.0', 'channel0']) {
      const link = await open(name);
      assert.equal(link.description.device, 'org.guestwire.0');
      await close(link);
    }
  });

  it("opens the host's end of a serial port, raw", async () => {
    const link = await openHostPort(await guest.ptyPath('serial1'));
    assert.equal(link.description.kind, 'pty');
    await assertCarriesBytes(link, guestPorts.serial1);
    await assert.rejects(openHostPort(link.description.device), { code: 'busy' });
    await close(link);
  });

  for (const device of ['serial1', 'org.guestwire.0']) {
    it(`reports that ${device} is busy, naming domain and device, and leaves its holder alone`, async () => {
      const held = await open(device);
      await assert.rejects(
        openLink(connection, domain, await candidate(device)),
        error =>
          isLinkError(error) &&
          error.code === 'busy' &&
          error.device === device &&
          error.domain === guest.name,
      );
      assert.equal(held.stream.destroyed, false);
      // And it opens as soon as it is free.
      const waiting = openLink(connection, domain, await candidate(device));
      await delay(100);
      await close(held);
      await close(await waiting);
    });
  }

  it('ends a search without a receiver in time, and writes nothing where a login may sit', async () => {
    // Raw and open in the guest, so that what comes over serial1 is counted there and not echoed.
    const port = guestPorts.serial1;
    await guest.mustRun(`(exec 3<>${port}; stty raw -echo <&3; cat <&3) > /tmp/serial1 2> /dev/null &`);
    const before = { console: await receivedBytes(0), serial1: await receivedBytes(1) };
    const start = performance.now();
    await assert.rejects(
      findReceiver(await search()),
      error =>
        isLinkError(error) &&
        error.code === 'no-receiver' &&
        isDeepStrictEqual(
          error.attempts.map(({ link }) => link.device),
          ['serial1', 'org.guestwire.0'],
        ),
    );
    assert.ok(performance.now() - start < SEARCH_SECONDS * 1_000);
    assert.equal(await receivedBytes(0), before.console, 'something was written to serial0');
    // The counters count: at serial1, which may be tried, was knocked.
    assert.ok((await receivedBytes(1)) > before.serial1);
    const knocks = (await guest.mustRun('cat /tmp/serial1; killall cat')).split('\x15');
    assert.ok(knocks.length > 1 && knocks.slice(0, -1).every(knock => /^4757\d{20}$/.test(knock)));
    assert.equal(knocks.at(-1), '', 'the last one is erased as well');
  });

  it('finds a receiver on the best link, and on the next one when that is taken', async () => {
    await guest.startReceiver();
    const first = async () => (await candidates())[0]?.device;
    await pollUntil('the channel is seen open', async () => (await first()) === 'org.guestwire.0');
    const best = await findReceiver(await search());
    assert.equal(best.link.description.device, 'org.guestwire.0');
    assert.deepEqual(best.passedOver, []);
    const next = await findReceiver(await search());
    assert.equal(next.link.description.device, 'serial1');
    assert.deepEqual(
      next.passedOver.map(link => link.device),
      ['org.guestwire.0'],
    );
    await next.session.close();
    await best.session.close();
  });
});
