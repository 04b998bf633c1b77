import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { awaitLeaving } from '../../../src/engine/connections/awaitActivity.ts';
import { ManagedConnection } from '../../../src/engine/connections/managedConnection.ts';
import { mockClock } from '../../support/mockClock.ts';
import { FakeDaemon, silentLog } from './fakeDaemon.ts';

const MINUTE_MS = 60_000;

async function open() {
  const daemon = new FakeDaemon();
  const [domain] = daemon.domains;
  assert.ok(domain);
  const options = { loadEngine: async () => daemon.engine, log: silentLog };
  const connection = new ManagedConnection('test:///x', options);
  await connection.use(async () => undefined);
  return { daemon, domain, connection, place: { connection, domain } };
}

describe('waiting for a guest that was asked to shut down', () => {
  it('ends when libvirt tells that it is off, whether the domain stays defined or not', async () => {
    for (const event of ['stopped', 'undefined'] as const) {
      const { daemon, domain, connection, place } = await open();
      const waiting = awaitLeaving(place, ['running', 'stopping'], MINUTE_MS);
      daemon.change({ ...domain, state: 'shutdown' }, 'stopped');
      daemon.change({ ...domain, state: 'shutoff', id: undefined }, event);
      assert.equal(await waiting, 'reached', event);
      connection.dispose();
    }
  });

  it('ends after a minute without a sign from the guest', async t => {
    const clock = mockClock(t);
    const { connection, place } = await open();
    const waiting = awaitLeaving(place, ['running'], MINUTE_MS);
    assert.equal(await clock.during(MINUTE_MS, waiting), 'timeout');
    connection.dispose();
  });

  it('keeps the connection open meanwhile, and ends with it', async t => {
    const clock = mockClock(t);
    const { daemon, connection, place } = await open();
    const waiting = awaitLeaving(place, ['running'], 10 * MINUTE_MS);
    await clock.advance(3 * MINUTE_MS);
    assert.equal(connection.status.kind, 'connected');
    daemon.break();
    assert.equal(await waiting, 'lost');
    connection.dispose();
  });
});
