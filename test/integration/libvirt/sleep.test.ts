// A guest that puts itself to sleep, as laptops and desktops do. It takes a real kernel to get there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pollUntil } from '../../support/polling.ts';
import { SetUp } from '../../support/setUp.ts';

describe('a guest that sleeps', () => {
  const setUp = new SetUp();

  it('is woken, and resuming it is refused', async () => {
    await setUp.libvirtd();
    const guest = await setUp.guest({ name: 'sleep', startReceiver: false });
    const connection = await setUp.connection();
    const domain = await connection.lookupByName(guest.name);
    // Not before the shell has answered.
    await guest.mustRun('(sleep 1; echo mem > /sys/power/state) > /dev/null 2>&1 &');
    await pollUntil('asleep', async () => (await connection.domainState(domain)) === 'pmsuspended');
    await assert.rejects(connection.resumeDomain(domain), { code: 'operation-invalid' });
    await connection.wakeDomain(domain);
    await pollUntil('awake', async () => (await connection.domainState(domain)) === 'running');
  });
});
