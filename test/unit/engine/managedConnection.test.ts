import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { LibvirtError } from 'libvirt';
import { Connections } from '../../../src/engine/connections/connections.ts';
import { ManagedConnection } from '../../../src/engine/connections/managedConnection.ts';
import type { ChosenConnection } from '../../../src/engine/guest/chooseConnection.ts';
import { mockClock } from '../../support/mockClock.ts';
import { pollUntil } from '../../support/polling.ts';
import { domainOf } from '../ui/samples.ts';
import { FakeDaemon, silentLog } from './fakeDaemon.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const dispose of cleanUp.splice(0)) dispose();
});

function managed(daemon: FakeDaemon, idleMs?: number) {
  const options = { loadEngine: async () => daemon.engine, log: silentLog };
  const connection = new ManagedConnection(
    'test:///x',
    idleMs === undefined ? options : { ...options, idleMs },
  );
  const changes: string[] = [];
  connection.changes.on(change => {
    changes.push(change.kind === 'domain' ? `domain ${change.uuid}` : connection.status.kind);
  });
  cleanUp.push(() => connection.dispose());
  return { connection, changes };
}

describe('managed connection', () => {
  it('connects when wanted, once, and sorts names as people do', async () => {
    const daemon = new FakeDaemon();
    const { connection, changes } = managed(daemon);
    assert.equal(daemon.connects, 0);
    connection.hold();
    await connection.use(async () => undefined);
    assert.equal(daemon.connects, 1);
    assert.deepEqual(
      connection.domains.sorted.map(({ name }) => name),
      ['a9', 'a10', 'b'],
    );
    assert.deepEqual(changes, ['connecting', 'connected']);
  });

  it('closes when nobody wants it for a while, and opens again', async () => {
    const daemon = new FakeDaemon();
    const { connection } = managed(daemon, 10);
    await connection.use(async () => undefined);
    await pollUntil('idle', () => connection.status.kind === 'idle');
    assert.equal(daemon.open[0]?.closed, true);
    await connection.use(async () => undefined);
    assert.equal(connection.status.kind, 'connected');
  });

  it('tells of one domain where only that changed, and asks for no list', async () => {
    const daemon = new FakeDaemon();
    const { connection, changes } = managed(daemon);
    connection.hold();
    await connection.use(async () => undefined);
    changes.length = 0;
    const stopped = domainOf('b', 'shutoff');
    daemon.change(stopped, 'stopped');
    daemon.change(stopped, 'stopped');
    await pollUntil('change', () => changes.length > 0);
    assert.deepEqual(changes, [`domain ${stopped.uuid}`]);
    assert.equal(connection.domains.get(stopped.uuid)?.state, 'shutoff');
    assert.equal(daemon.lists, 1);
  });

  it('takes in new domains and drops those that are gone', async () => {
    const daemon = new FakeDaemon();
    const { connection } = managed(daemon);
    connection.hold();
    await connection.use(async () => undefined);
    daemon.change(domainOf('new'), 'defined');
    daemon.change(domainOf('b'), 'undefined');
    await pollUntil('new domain', () => connection.domains.sorted.at(-1)?.name === 'new');
    assert.equal(connection.domains.get(domainOf('b').uuid), undefined);
  });

  it('reads the XML only when asked, once, and again after a change', async () => {
    const daemon = new FakeDaemon();
    const { connection } = managed(daemon);
    connection.hold();
    const domain = domainOf('b');
    await connection.use(async () => undefined);
    assert.equal(daemon.xmlReads, 0);
    await Promise.all([connection.details(domain), connection.details(domain)]);
    assert.equal(daemon.xmlReads, 1);
    assert.ok(connection.knownDetails(domain.uuid));
    daemon.change(domain, 'started');
    await pollUntil('forgotten', () => connection.knownDetails(domain.uuid) === undefined);
    await connection.details(domain);
    assert.equal(daemon.xmlReads, 2);
  });

  it('comes back by itself after it broke, and keeps its list meanwhile', async () => {
    const daemon = new FakeDaemon();
    const { connection } = managed(daemon);
    connection.hold();
    await connection.use(async () => undefined);
    daemon.refusal = new LibvirtError('no-socket', 'no daemon');
    daemon.break();
    await pollUntil('failed', () => connection.status.kind === 'failed');
    const { status } = connection;
    assert.ok(status.kind === 'failed' && status.wasConnected && status.retrying);
    assert.equal(connection.domains.size, 3);
    daemon.refusal = undefined;
    daemon.domains = [domainOf('b')];
    await pollUntil('connected again', () => connection.status.kind === 'connected');
    assert.equal(connection.domains.size, 1);
  });

  it('does not try again by itself where it was refused', async () => {
    const daemon = new FakeDaemon();
    daemon.refusal = new LibvirtError('denied', 'no');
    const { connection } = managed(daemon);
    connection.hold();
    await assert.rejects(
      connection.use(async () => undefined),
      { code: 'denied' },
    );
    const { status } = connection;
    assert.ok(status.kind === 'failed' && !status.retrying && !status.wasConnected);
    daemon.refusal = undefined;
    await connection.refresh();
    assert.equal(connection.status.kind, 'connected');
  });

  it('opens nothing any more once it is disposed', async t => {
    const clock = mockClock(t);
    const daemon = new FakeDaemon();
    const { connection, changes } = managed(daemon);
    const opening = connection.use(async () => undefined);
    connection.dispose();
    await opening;
    changes.length = 0;
    assert.equal(daemon.open[0]?.closed, true);
    daemon.break();
    await clock.advance(60_000);
    assert.deepEqual(changes, []);
  });
});

describe('connections', () => {
  function connections(
    daemon: FakeDaemon,
    configured: string[],
    resolveDefault = async (): Promise<ChosenConnection> => ({ uri: 'test:///default' }),
  ) {
    const all = new Connections({
      loadEngine: async () => daemon.engine,
      log: silentLog,
      configured: () => configured,
      resolveDefault,
    });
    cleanUp.push(() => all.dispose());
    return all;
  }

  it('opens all while they can be seen, and takes each URI once', async () => {
    const daemon = new FakeDaemon();
    const all = connections(daemon, ['default', 'test:///default', 'test:///other']);
    await all.setVisible(true);
    await pollUntil('connected', () => all.all.every(({ status }) => status.kind === 'connected'));
    assert.equal(daemon.connects, 2);
    assert.equal(all.domains().length, 6);
  });

  it('follows the setting, and leaves alone what stays', async () => {
    const daemon = new FakeDaemon();
    const configured = ['test:///a', 'test:///b'];
    const all = connections(daemon, configured);
    await all.setVisible(true);
    await pollUntil('both', () => daemon.open.length === 2);
    configured.splice(0, 1, 'test:///c');
    all.reload();
    await pollUntil('the new one', () => daemon.open.length === 3);
    assert.deepEqual(
      all.all.map(({ uri }) => uri),
      ['test:///c', 'test:///b'],
    );
    assert.equal(daemon.open[0]?.closed, true);
    assert.equal(daemon.open[1]?.closed, false);
  });

  it('look again for the better default when refreshed', async () => {
    const daemon = new FakeDaemon();
    const passedOver = { uri: 'test:///system', error: new LibvirtError('no-socket', 'down') };
    let chosen: ChosenConnection = { uri: 'test:///session', passedOver };
    const all = connections(daemon, ['default'], async () => chosen);
    await all.load();
    assert.deepEqual([all.all.map(({ uri }) => uri), all.default], [['test:///session'], chosen]);
    chosen = { uri: 'test:///system' };
    await all.refresh();
    assert.deepEqual([all.all.map(({ uri }) => uri), all.default], [['test:///system'], chosen]);
  });

  it('connects to nothing before it is wanted', async () => {
    const daemon = new FakeDaemon();
    await connections(daemon, ['default']).load();
    assert.equal(daemon.connects, 0);
  });
});
