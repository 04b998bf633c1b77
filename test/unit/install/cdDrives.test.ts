import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  cdDrives,
  coldPlugBus,
  fileMedium,
  hotPlugBus,
  mediumOf,
  NO_MEDIUM,
  newDrive,
  usedTargets,
  withMedium,
} from '../../../src/install/disc/cdDrives.ts';

const loaded = `<disk type='block' device='cdrom'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source dev='/dev/a&amp;b' index='3'>
        <seclabel model='dac' relabel='no'/>
      </source>
      <backingStore/>
      <target dev='hdc' bus='ide'/>
      <readonly/>
      <alias name='ide0-1-0'/>
    </disk>`;
const empty = `<disk type="file" device="cdrom"><target dev="sda" bus="sata"/><readonly/></disk>`;
const hardDisk = `<disk type='file' device='disk'><source file='/x'/><target dev='vda' bus='virtio'/></disk>`;
const xml = `<domain><metadata><app:x xmlns:app='u'><disk device='cdrom'><target dev='no'/></disk></app:x></metadata>
  <devices>${hardDisk}${loaded}${empty}</devices></domain>`;

function drives() {
  const [first, second] = cdDrives(xml);
  assert.ok(first && second);
  return { loaded: first, empty: second };
}

describe('CD drives in a domain', () => {
  it('are found with what is in them; disks and metadata are none', () => {
    assert.deepEqual(
      cdDrives(xml).map(({ target, bus, path }) => [target, bus, path]),
      [
        ['hdc', 'ide', '/dev/a&b'],
        ['sda', 'sata', undefined],
      ],
    );
    assert.deepEqual(usedTargets(xml), ['vda', 'hdc', 'sda']);
    assert.deepEqual(cdDrives('<domain/>'), []);
  });

  it('get another medium and stay what they are otherwise', () => {
    assert.equal(
      withMedium(drives().loaded, fileMedium("/pool/$& it's.iso")).replace(/\s*\n\s*/g, ''),
      "<disk type='file' device='cdrom'><driver name='qemu' type='raw' cache='none'/><source file='/pool/$&amp; it&apos;s.iso'/><target dev='hdc' bus='ide'/><readonly/><alias name='ide0-1-0'/></disk>",
    );
    assert.equal(
      withMedium(drives().empty, fileMedium('/cd.iso')),
      `<disk type='file' device="cdrom"><driver name='qemu' type='raw'/><source file='/cd.iso'/><target dev="sda" bus="sata"/><readonly/></disk>`,
    );
    assert.equal(withMedium(drives().empty, NO_MEDIUM), empty.replace('"file"', "'file'"));
  });

  it('get back exactly what was in them', () => {
    const former = mediumOf(drives().loaded);
    const [changed] = cdDrives(`<devices>${withMedium(drives().loaded, fileMedium('/cd.iso'))}</devices>`);
    assert.ok(changed);
    assert.equal(changed.path, '/cd.iso');
    const flat = (text: string) => text.replace(/\s*\n\s*/g, '');
    const again = loaded.replace(" index='3'", '').replace('<backingStore/>', '');
    assert.equal(flat(withMedium(changed, former)), flat(again));
    assert.deepEqual(JSON.parse(JSON.stringify(former)), former, 'it can be stored');
  });

  it('can be added: by USB or SCSI at once, or on the chip set’s own bus', () => {
    assert.equal(hotPlugBus("<controller type='usb' index='0' model='qemu-xhci'>"), 'usb');
    const scsi = "<controller type='usb' model='none'/><controller type='scsi' model='virtio-scsi'>";
    assert.equal(hotPlugBus(scsi), 'scsi');
    assert.equal(hotPlugBus("<controller type='usb' index='0' model='none'/>"), undefined);
    const machine = (name: string) => coldPlugBus(`<type arch='x86_64' machine='${name}'>hvm</type>`);
    assert.deepEqual(
      ['pc-q35-7.2', 'q35', 'pc-i440fx-7.2', 'pc', 'virt-8.0', 's390-ccw-virtio'].map(machine),
      ['sata', 'sata', 'ide', 'ide', 'scsi', 'scsi'],
    );
    assert.equal(newDrive('usb', ['sda', 'sdb'])?.target, 'sdc');
    assert.equal(newDrive('ide', ['hda', 'hdb', 'hdc', 'hdd']), undefined);
  });
});
