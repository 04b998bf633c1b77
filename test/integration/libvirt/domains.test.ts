import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, type LibvirtConnection, type LifecycleEvent } from 'libvirt';
import { ensureLibvirtd, type Libvirtd } from '../../support/libvirtd.ts';
import { pollUntil } from '../../support/polling.ts';
import { type ThrowawayDomains, throwawayDomains } from './throwawayDomain.ts';

let daemon: Libvirtd;
let connection: LibvirtConnection;
let domains: ThrowawayDomains;

before(async () => {
  daemon = await ensureLibvirtd();
  connection = await connect(daemon.uri);
  domains = await throwawayDomains(connection, 'domains');
});

after(async () => {
  await domains.remove();
  await connection.close();
  await daemon.stop();
});

test('the connection tells what it is connected to', async () => {
  assert.equal(connection.uri, daemon.uri);
  assert.equal(connection.readOnly, false);
  assert.ok((await connection.libraryVersion()) >= 1_000_000);
  assert.match(await connection.hostname(), /^\S+$/);
});

test('a domain from definition to removal', async () => {
  const domain = await domains.define('life');
  assert.match(domain.uuid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(domain.id, undefined);
  assert.equal(await connection.domainState(domain), 'shutoff');
  assert.equal(await connection.domainTitle(domain), 'Übungsgast');

  const started = await connection.startDomain(domain);
  assert.equal(typeof started.id, 'number');
  assert.deepEqual(await connection.lookupByName(domain.name), started);
  assert.deepEqual(await connection.lookupByUuid(domain.uuid.toUpperCase()), started);
  assert.deepEqual(await connection.lookupById(started.id ?? -1), started);
  const listed = (await connection.listDomains()).find(({ name }) => name === domain.name);
  assert.deepEqual(listed, { ...started, state: 'running' });

  const info = await connection.domainInfo(started);
  assert.deepEqual([info.state, info.maxMemoryKiB, info.cpuCount], ['running', 32_768n, 1]);
  assert.ok(info.cpuTimeNs > 0n);
  assert.match(await connection.domainXml(started), /<alias name=['"]serial0['"]\/>/);
  assert.doesNotMatch(await connection.domainXml(started, { inactive: true }), /<alias/);

  await connection.destroyDomain(started);
  assert.equal(await connection.domainState(domain), 'shutoff');
  await connection.undefineDomain(domain);
  await assert.rejects(connection.lookupByName(domain.name), { code: 'no-domain', number: 42 });
});

test('a domain is paused, resumed and asked to reboot', async () => {
  const events: LifecycleEvent[] = [];
  connection.on('lifecycle', event => events.push(event));
  await connection.subscribeLifecycle();
  const domain = await domains.start('pause');
  await connection.suspendDomain(domain);
  assert.equal(await connection.domainState(domain), 'paused');
  await pollUntil('the event came', () => events.some(({ event }) => event === 'suspended'));
  await connection.resumeDomain(domain);
  assert.equal(await connection.domainState(domain), 'running');
  // Its firmware ignores the power button, so that it's still the same run.
  await connection.rebootDomain(domain);
  assert.deepEqual(await connection.lookupByName(domain.name), domain);
  assert.equal(await connection.domainState(domain), 'running');
  await connection.destroyDomain(domain);
  for (const change of ['suspendDomain', 'resumeDomain', 'rebootDomain', 'wakeDomain'] as const) {
    await assert.rejects(connection[change](domain), { code: 'operation-invalid' }, change);
  }
});

test('a channel is added to a running guest and to its definition, and taken away again', async () => {
  const domain = await domains.start('devices');
  const channel = '<channel type="unix"><target type="virtio" name="org.example.0"/></channel>';
  const has = async (inactive: boolean) =>
    (await connection.domainXml(domain, { inactive })).includes('org.example.0');
  assert.equal(await connection.isPersistent(domain), true);
  await connection.attachDevice(domain, channel, { live: true, config: true });
  assert.deepEqual([await has(false), await has(true)], [true, true]);
  await connection.detachDevice(domain, channel, { live: false, config: true });
  assert.deepEqual([await has(false), await has(true)], [true, false]);
  // The name is taken in the running guest; a stopped one can't be given anything.
  await assert.rejects(connection.attachDevice(domain, channel, { live: true, config: false }));
  await connection.destroyDomain(domain);
  await assert.rejects(connection.attachDevice(domain, channel, { live: true, config: false }), {
    code: 'operation-invalid',
  });
});

test('wrong requests are refused with their codes', async () => {
  const running = await domains.start('wrong');
  await assert.rejects(connection.startDomain(running), { code: 'operation-invalid', number: 55 });
  await assert.rejects(connection.lookupByName(`${running.name}-none`), { code: 'no-domain' });
  await assert.rejects(connection.lookupById(2_000_000_000), { code: 'no-domain' });
  await assert.rejects(connection.defineDomainXml('<domain'), { code: 'config' });
  await connection.destroyDomain(running);
  await assert.rejects(connection.destroyDomain(running), { code: 'operation-invalid' });
});

test('lifecycle events tell what happens to a domain', async () => {
  const events: LifecycleEvent[] = [];
  connection.on('lifecycle', event => events.push(event));
  await connection.subscribeLifecycle();
  const domain = await domains.start('events');
  await connection.destroyDomain(domain);
  await connection.undefineDomain(domain);
  const ours = () => events.filter(event => event.domain.uuid === domain.uuid).map(({ event }) => event);
  await pollUntil('the last event came', () => ours().includes('undefined'));
  // libvirt 9 also tells that the guest's processors were let run, and that QEMU noticed its own end.
  const told = ours().filter(event => event !== 'resumed' && event !== 'shutdown');
  assert.deepEqual(told, ['defined', 'started', 'stopped', 'undefined']);
});

test('a hundred calls at once are all answered', async () => {
  const domain = await domains.define('many');
  const states = await Promise.all(Array.from({ length: 100 }, () => connection.domainState(domain)));
  assert.ok(states.every(state => state === 'shutoff'));
});
