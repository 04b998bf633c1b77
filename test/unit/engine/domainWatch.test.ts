import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Connections } from '../../../src/engine/connections/connections.ts';
import { DomainWatch } from '../../../src/engine/connections/domainWatch.ts';
import { Receivers } from '../../../src/engine/connections/receivers.ts';
import { domainKey } from '../../../src/engine/guest/target.ts';
import { mockClock } from '../../support/mockClock.ts';
import { domainOf } from '../ui/samples.ts';
import { FakeDaemon, silentLog } from './fakeDaemon.ts';

const URI = 'test:///default';
/** After so long what changed has been read, and the channels have been looked at. */
const READ_MS = 150;
const LOOK_MS = 3_100;

const channel = (state: string) =>
  `<domain><devices><channel type="unix"><target type="virtio" name="org.guestwire.0" state="${state}"/></channel></devices></domain>`;

describe('the watch over visible domains', () => {
  function watching(t: TestContext, daemon: FakeDaemon) {
    const clock = mockClock(t);
    const connections = new Connections({
      loadEngine: async () => daemon.engine,
      log: silentLog,
      configured: () => [URI],
      resolveDefault: async () => ({ uri: URI }),
    });
    const receivers = new Receivers();
    const watch = new DomainWatch({ connections, receivers });
    t.after(() => {
      watch.dispose();
      connections.dispose();
    });
    const key = (name: string) => domainKey(URI, domainOf(name).uuid);
    const known = (name: string) => connections.all[0]?.knownDetails(domainOf(name).uuid);
    const state = (name: string) => receivers.state(key(name), known(name));
    const show = async () => {
      watch.setVisible(true);
      await connections.setVisible(true);
    };
    return { clock, connections, receivers, watch, key, known, state, show };
  }

  it('reads what the list does not tell, of running domains and of others', async t => {
    const daemon = new FakeDaemon();
    daemon.domains = [domainOf('on'), domainOf('off', 'shutoff')];
    const { clock, known, show } = watching(t, daemon);
    await show();
    await clock.advance(READ_MS);
    assert.ok(known('on') && known('off'));
    assert.equal(daemon.xmlReads, 2);
  });

  it('sees a receiver come and go by its channel, whatever a handshake said before', async t => {
    const daemon = new FakeDaemon();
    daemon.domains = [domainOf('on')];
    daemon.xml = channel('disconnected');
    const { clock, receivers, key, state, show } = watching(t, daemon);
    await show();
    await clock.advance(READ_MS);
    assert.equal(state('on'), 'silent');
    receivers.silent(key('on'));
    daemon.xml = channel('connected');
    await clock.advance(LOOK_MS);
    assert.equal(state('on'), 'ready');
    receivers.answered(key('on'), 'linux');
    daemon.xml = channel('disconnected');
    await clock.advance(LOOK_MS);
    assert.equal(state('on'), 'silent');
  });

  it('reads nothing while the view is hidden', async t => {
    const daemon = new FakeDaemon();
    daemon.xml = channel('connected');
    const { clock, connections, watch, known, show } = watching(t, daemon);
    await connections.openAll();
    await clock.advance(3 * LOOK_MS);
    assert.equal(daemon.xmlReads, 0);
    await show();
    await clock.advance(2 * LOOK_MS);
    assert.ok(daemon.xmlReads > 6 && known('a9') !== undefined);
    watch.setVisible(false);
    const reads = daemon.xmlReads;
    daemon.change(domainOf('b', 'shutoff'), 'stopped');
    await clock.advance(3 * LOOK_MS);
    assert.equal(daemon.xmlReads, reads);
  });

  it('reads no more than a few hundred of thousands', async t => {
    const daemon = new FakeDaemon();
    daemon.domains = Array.from({ length: 3_000 }, (_, index) => domainOf(String(index)));
    const { clock, connections, known, show } = watching(t, daemon);
    await show();
    await clock.advance(READ_MS);
    assert.ok(known('199'));
    await clock.advance(3 * LOOK_MS);
    assert.equal(connections.all[0]?.domains.size, 3_000);
    assert.equal(daemon.xmlReads, 200);
  });
});
