import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Connections } from '../../../src/engine/connections/connections.ts';
import { DomainWatch } from '../../../src/engine/connections/domainWatch.ts';
import { Receivers } from '../../../src/engine/connections/receivers.ts';
import { domainKey } from '../../../src/engine/guest/target.ts';
import { pollUntil } from '../../support/processes.ts';
import { domainOf } from '../ui/samples.ts';
import { FakeDaemon, silentLog } from './fakeDaemon.ts';

const URI = 'test:///default';
const channel = (state: string) =>
  `<domain><devices><channel type="unix"><target type="virtio" name="org.guestwire.0" state="${state}"/></channel></devices></domain>`;

describe('the watch over visible domains', () => {
  const cleanUp: (() => void)[] = [];
  afterEach(() => {
    for (const dispose of cleanUp.splice(0)) dispose();
  });

  function watching(daemon: FakeDaemon) {
    const connections = new Connections({
      loadEngine: async () => daemon.engine,
      log: silentLog,
      configured: () => [URI],
      resolveDefault: async () => URI,
    });
    const receivers = new Receivers();
    const watch = new DomainWatch({ connections, receivers, everyMs: 20 });
    cleanUp.push(
      () => watch.dispose(),
      () => connections.dispose(),
    );
    const key = (name: string) => domainKey(URI, domainOf(name).uuid);
    const known = (name: string) => connections.all[0]?.knownDetails(domainOf(name).uuid);
    const state = (name: string) => receivers.state(key(name), known(name));
    const show = async () => {
      watch.setVisible(true);
      await connections.setVisible(true);
    };
    return { connections, receivers, watch, key, known, state, show };
  }

  it('reads what the list does not tell, of running domains and of others', async () => {
    const daemon = new FakeDaemon();
    daemon.domains = [domainOf('on'), domainOf('off', 'shutoff')];
    const { known, show } = watching(daemon);
    await show();
    assert.ok(await pollUntil(() => known('on') !== undefined && known('off') !== undefined, 5_000));
    assert.equal(daemon.xmlReads, 2);
  });

  it('sees a receiver come and go by its channel, whatever a handshake said before', async () => {
    const daemon = new FakeDaemon();
    daemon.domains = [domainOf('on')];
    daemon.xml = channel('disconnected');
    const { receivers, key, state, show } = watching(daemon);
    await show();
    assert.ok(await pollUntil(() => state('on') === 'silent', 5_000));
    receivers.silent(key('on'));
    daemon.xml = channel('connected');
    assert.ok(await pollUntil(() => state('on') === 'ready', 5_000));
    receivers.answered(key('on'), 'linux');
    daemon.xml = channel('disconnected');
    assert.ok(await pollUntil(() => state('on') === 'silent', 5_000));
  });

  it('reads nothing while the view is hidden', async () => {
    const daemon = new FakeDaemon();
    daemon.xml = channel('connected');
    const { connections, watch, known, show } = watching(daemon);
    await connections.openAll();
    await delay(150);
    assert.equal(daemon.xmlReads, 0);
    await show();
    assert.ok(await pollUntil(() => daemon.xmlReads > 6 && known('a9') !== undefined, 5_000));
    watch.setVisible(false);
    // What was asked for already is still answered.
    await delay(50);
    const reads = daemon.xmlReads;
    daemon.change(domainOf('b', 'shutoff'), 'stopped');
    await delay(250);
    assert.equal(daemon.xmlReads, reads);
  });

  it('reads no more than a few hundred of thousands', async () => {
    const daemon = new FakeDaemon();
    daemon.domains = Array.from({ length: 3_000 }, (_, index) => domainOf(String(index)));
    const { connections, known, show } = watching(daemon);
    await show();
    assert.ok(await pollUntil(() => known('199') !== undefined, 5_000));
    await delay(250);
    assert.equal(connections.all[0]?.domains.size, 3_000);
    assert.equal(daemon.xmlReads, 200);
  });
});
