import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeviceChange } from 'libvirt';
import {
  addChannel,
  CHANNEL_XML,
  type ChannelConnection,
  channelChange,
  readChannelFacts,
} from '../../../src/install/addChannel.ts';

const domain = { name: 'demo', uuid: '00000000-0000-0000-0000-000000000000', id: 1 };
const controller = "<controller type='virtio-serial' index='0'/>";
const other = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>";

interface FakeDomain extends ChannelConnection {
  readonly detached: DeviceChange[];
  live: string;
  stored: string;
}

/** A domain that libvirt changes as asked, or breaks off after the running guest. */
function fakeDomain({
  running = true,
  persistent = true,
  breaksOff = false,
  live = '',
  stored = '',
} = {}): FakeDomain {
  const detached: DeviceChange[] = [];
  const fake: FakeDomain = {
    detached,
    live,
    stored,
    domainState: async () => (running ? 'running' : 'shutoff'),
    isPersistent: async () => persistent,
    domainXml: async (_domain, options) => (options?.inactive ? fake.stored : fake.live),
    attachDevice: async (_domain, xml, where) => {
      if (where.live) fake.live += xml;
      if (breaksOff) throw new Error('no space left');
      if (where.config) fake.stored += xml;
    },
    detachDevice: async (_domain, xml, where) => {
      detached.push(where);
      if (where.live) fake.live = fake.live.replace(xml, '');
    },
  };
  return fake;
}

describe('adding the channel', () => {
  it('goes into the running guest and the definition where it can be hot-plugged', async () => {
    const facts = await readChannelFacts(fakeDomain({ live: controller + other, stored: other }), domain);
    assert.deepEqual(facts, {
      running: true,
      inGuest: false,
      persistent: true,
      inDefinition: false,
      canHotPlug: true,
    });
    assert.deepEqual(channelChange(facts, 'now'), { live: true, config: true });
    assert.deepEqual(channelChange(facts, 'next-start'), { live: false, config: true });
  });

  it('waits for the next start without a controller, or while the domain is off', async () => {
    for (const fake of [fakeDomain({ live: other }), fakeDomain({ running: false, stored: controller })]) {
      const facts = await readChannelFacts(fake, domain);
      assert.deepEqual(channelChange(facts, 'now'), { live: false, config: true });
    }
  });

  it('changes the guest alone where there is no definition, and nothing where it is everywhere', async () => {
    const transient = await readChannelFacts(fakeDomain({ persistent: false, live: controller }), domain);
    assert.deepEqual(channelChange(transient, 'now'), { live: true, config: false });
    assert.equal(channelChange(transient, 'next-start'), undefined);
    const both = fakeDomain({ live: controller + CHANNEL_XML, stored: CHANNEL_XML });
    assert.equal(channelChange(await readChannelFacts(both, domain), 'now'), undefined);
  });

  it('takes back what a failure leaves behind, and says why it failed', async () => {
    const fake = fakeDomain({ breaksOff: true, live: controller });
    await assert.rejects(addChannel(fake, domain, { live: true, config: true }), /no space left/);
    assert.deepEqual(fake.detached, [{ live: true, config: false }]);
    assert.equal(fake.live, controller);
  });

  it('takes nothing back that was there before', async () => {
    const fake = fakeDomain({ breaksOff: true, live: CHANNEL_XML });
    await assert.rejects(addChannel(fake, domain, { live: false, config: true }), /no space left/);
    assert.deepEqual(fake.detached, []);
  });
});
