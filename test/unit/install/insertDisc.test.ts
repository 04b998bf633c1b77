import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type DriveConnection,
  drivePlans,
  insertDisc,
  isHeldByGuest,
  strayDisc,
  takeOutDisc,
  whereIs,
} from '../../../src/install/disc/insertDisc.ts';
import { type DiscStore, InsertedDiscs } from '../../../src/install/disc/insertedDiscs.ts';
import { noPlan, steps, takenOutText, takeOutTitle } from '../../../src/ui/install/discTexts.ts';

const domain = { name: 'demo', uuid: '00000000-0000-0000-0000-000000000000', id: 1 };
const cd = '/pool/guestwire-0.1.0.iso';
const drive = (source: string, target = 'hdc', bus = 'ide') =>
  `<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>${source}<target dev='${target}' bus='${bus}'/></disk>`;
const former = drive("<source file='/former.iso'/>");
const usb = "<controller type='usb' index='0' model='qemu-xhci'/>";
const domainXml = (devices: string) =>
  `<domain><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>${devices}</devices></domain>`;

/** A domain that libvirt changes as asked; `refusals` are thrown first. */
function fakeDomain(live: string | undefined, stored: string | undefined, refusals: Error[] = []) {
  const calls: string[] = [];
  const parts = { live, stored };
  const change = (name: string, edit: (devices: string, xml: string) => string) => {
    const call: DriveConnection['updateDevice'] = async (_domain, xml, where) => {
      calls.push(
        `${name} ${where.live ? 'live' : ''}${where.config ? 'config' : ''}${where.force ? ' force' : ''}`,
      );
      const refusal = refusals.shift();
      if (refusal) throw refusal;
      if (where.live) parts.live = edit(parts.live ?? '', xml);
      if (where.config) parts.stored = edit(parts.stored ?? '', xml);
    };
    return call;
  };
  const targetOf = (xml: string) => /<target dev='(\w+)'/.exec(xml)?.[1];
  const others = (devices: string, xml: string) =>
    devices.replace(/<disk.*?<\/disk>/g, disk => (targetOf(disk) === targetOf(xml) ? '' : disk));
  const connection: DriveConnection = {
    domainState: async () => (parts.live === undefined ? 'shutoff' : 'running'),
    isPersistent: async () => parts.stored !== undefined,
    domainXml: async (_domain, options) => domainXml((options?.inactive ? parts.stored : parts.live) ?? ''),
    updateDevice: change('update', (devices, xml) => others(devices, xml) + xml),
    attachDevice: change('attach', (devices, xml) => devices + xml),
    detachDevice: change('detach', others),
  };
  return { connection, calls, parts };
}

const facts = (live: string | undefined, stored: string | undefined) => ({
  live: live === undefined ? undefined : domainXml(live),
  stored: stored === undefined ? undefined : domainXml(stored),
});
const kinds = (plans: ReturnType<typeof drivePlans>) =>
  plans.map(({ kind, where, drive: { target } }) => `${kind} ${where} ${target}`);

describe('the drive for the CD', () => {
  it('is one that is there, of the running guest first; else a new one', () => {
    assert.deepEqual(kinds(drivePlans(facts(former, former))), ['change guest hdc']);
    assert.deepEqual(kinds(drivePlans(facts(former + drive('', 'hdd'), former))), [
      'change guest hdc',
      'change guest hdd',
    ]);
    assert.deepEqual(kinds(drivePlans(facts(usb, usb))), ['add guest sda']);
    assert.deepEqual(kinds(drivePlans(facts('', former))), ['change definition hdc']);
    assert.deepEqual(kinds(drivePlans(facts(undefined, former))), ['change definition hdc']);
    assert.deepEqual(kinds(drivePlans(facts('', ''))), ['add definition sda']);
    const transient = facts('', undefined);
    assert.deepEqual(drivePlans(transient), []);
    assert.match(noPlan(transient, 'demo'), /no USB or SCSI controller/);
  });
});

describe('the CD', () => {
  it('changes the running guest alone, and the former medium comes back', async () => {
    const { connection, calls, parts } = fakeDomain(former, former);
    const [plan] = drivePlans(facts(former, former));
    assert.ok(plan);
    const disc = await insertDisc(connection, domain, plan, cd);
    assert.equal(whereIs(facts(parts.live, parts.stored), cd), 'guest');
    await takeOutDisc(connection, domain, disc);
    assert.deepEqual([parts.live, parts.stored], [former, former]);
    assert.deepEqual(calls, ['update live', 'update live']);
  });

  it('comes out of guest and definition where it got from the one into the other', async () => {
    const { connection, parts } = fakeDomain(undefined, former);
    const [plan] = drivePlans(facts(undefined, former));
    assert.ok(plan);
    const disc = await insertDisc(connection, domain, plan, cd);
    parts.live = parts.stored; // the domain was started
    await takeOutDisc(connection, domain, disc);
    assert.deepEqual([parts.live, parts.stored], [former, former]);
  });

  it('goes with the drive that was added for it; one that can not be unplugged is emptied', async () => {
    const plugged = fakeDomain(usb, usb);
    const [plan] = drivePlans(facts(usb, usb));
    assert.ok(plan);
    await takeOutDisc(plugged.connection, domain, await insertDisc(plugged.connection, domain, plan, cd));
    assert.deepEqual(plugged.calls, ['attach live', 'detach live']);
    assert.equal(plugged.parts.live, usb);

    const later = fakeDomain(undefined, '');
    const [laterPlan] = drivePlans(facts(undefined, ''));
    assert.ok(laterPlan);
    const disc = await insertDisc(later.connection, domain, laterPlan, cd);
    later.parts.live = later.parts.stored;
    await takeOutDisc(later.connection, domain, disc);
    assert.deepEqual(later.calls, ['attach config', 'update live', 'detach config']);
    assert.doesNotMatch(`${later.parts.live}`, /guestwire/);
    assert.equal(later.parts.stored, '');
  });

  it('is tried again while the BIOS closes the tray, and forced only when asked for', async () => {
    const closed = new Error("unable to execute QEMU command 'x': Tray of the device is not open");
    const { connection, calls } = fakeDomain(former, former, [closed]);
    const [plan] = drivePlans(facts(former, former));
    assert.ok(plan);
    const disc = await insertDisc(connection, domain, plan, cd);
    await takeOutDisc(connection, domain, disc, true);
    assert.deepEqual(calls, ['update live', 'update live', 'update live force']);

    const locked = new Error("Device 'ide0-1-0' is locked and force was not specified");
    const held = fakeDomain(former, former, [locked]);
    await assert.rejects(insertDisc(held.connection, domain, plan, cd), locked);
    assert.equal(held.calls.length, 1);
    assert.ok(isHeldByGuest(locked));
    assert.equal(isHeldByGuest(new Error('no space left')), false);
  });

  it('is known by its name when nothing else is known of it', () => {
    const stray = strayDisc(facts(drive(`<source file='${cd}'/>`), ''));
    assert.equal(stray?.path, cd);
    assert.match(takeOutTitle(stray, 'demo'), /leave the drive empty/);
    assert.match(takenOutText(stray, false, 'demo'), /empty again.*kept/);
    assert.equal(strayDisc(facts(former, former)), undefined);
  });
});

describe('what is remembered of inserted CDs', () => {
  it('is kept by domain, and forgotten', async () => {
    const kept = new Map<string, unknown>();
    const store: DiscStore = {
      get: <T>(key: string, otherwise: T) => (kept.has(key) ? (kept.get(key) as T) : otherwise),
      update: async (key, value) => void kept.set(key, value),
    };
    const disc = { path: cd, target: 'hdc', former: undefined };
    await new InsertedDiscs(store).remember('a', disc);
    await new InsertedDiscs(store).remember('b', { ...disc, target: 'sda' });
    assert.deepEqual(new InsertedDiscs(store).get('a'), disc);
    await new InsertedDiscs(store).forget('a');
    assert.equal(new InsertedDiscs(store).get('a'), undefined);
    assert.equal(new InsertedDiscs(store).get('b')?.target, 'sda');
  });
});

describe('the steps in the guest', () => {
  it('begin with the likelier system', () => {
    assert.match(steps('windows'), /^Windows[\s\S]*install\.cmd[\s\S]*Linux[\s\S]*install\.sh/);
    assert.match(steps('unknown'), /^Linux[\s\S]*install\.sh[\s\S]*Windows[\s\S]*install\.cmd/);
  });
});
