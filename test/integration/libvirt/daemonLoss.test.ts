/** On a private daemon, which nobody else uses and which may therefore be killed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, type LibvirtError } from 'libvirt';
import { type PrivateLibvirtd, startPrivateLibvirtd } from '../../support/libvirtd.ts';
import { pollUntil } from '../../support/polling.ts';
import { throwawayDomains } from './throwawayDomain.ts';

let daemon: PrivateLibvirtd;
before(async () => {
  daemon = await startPrivateLibvirtd();
});
after(() => daemon.stop());

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`${signal} to the daemon: connection and stream end, and a new connection goes on`, async () => {
    const connection = await connect(daemon.uri);
    const domains = await throwawayDomains(connection, 'loss');
    const domain = await domains.start('guest');
    const stream = await connection.openConsole(domain, 'serial1');
    const lost: Array<[string, string | undefined]> = [];
    connection.on('close', error => lost.push(['connection', error?.code]));
    stream.on('error', error => lost.push(['stream', (error as LibvirtError).code])).resume();

    await daemon.stopLibvirtd(signal);
    await pollUntil('both are told', () => lost.length === 2);
    assert.deepEqual(lost.toSorted(), [
      ['connection', 'connection-lost'],
      ['stream', 'connection-lost'],
    ]);
    await assert.rejects(connection.listDomains(), { code: 'connection-lost' });
    await assert.rejects(connect(daemon.uri), { code: 'no-socket' });

    await daemon.startLibvirtd();
    const again = await connect(daemon.uri);
    assert.deepEqual(await again.lookupByName(domain.name), domain);
    const reopened = await again.openConsole(domain, 'serial1');
    reopened.destroy();
    await domains.remove(again);
    await again.close();
  });
}
