import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isLinkError, parseDomainDevices } from '../../../src/link/index.ts';
import { domainXml, fixtureDevices, serialXml } from './fixtures.ts';

describe('devices in domain XML', () => {
  it('finds serial ports, consoles and channels of a running domain', () => {
    const devices = fixtureDevices('mixed');
    assert.deepEqual(devices.serials, [
      { alias: 'serial0', port: 0, model: 'isa-serial', backend: { type: 'pty', path: '/dev/pts/0' } },
      { alias: 'serial1', port: 1, model: 'isa-serial', backend: { type: 'pty', path: '/dev/pts/1' } },
    ]);
    assert.deepEqual(devices.consoles, [
      { alias: 'console1', targetType: 'virtio', port: 1, backend: { type: 'pty', path: '/dev/pts/2' } },
    ]);
    assert.deepEqual(
      devices.channels.map(({ alias, name, state }) => [alias, name, state]),
      [
        ['channel0', 'org.guestwire.0', 'disconnected'],
        ['channel1', 'org.qemu.guest_agent.0', 'disconnected'],
      ],
    );
    assert.match(devices.channels[0]?.backend.path ?? '', /domain-1-mixed\/org\.guestwire\.0$/);
    assert.equal(devices.primarySerial, 'serial0');
  });

  it('gives a domain that is shut off the aliases it will have', () => {
    const devices = fixtureDevices('mixed-inactive');
    assert.deepEqual(
      [...devices.serials, ...devices.consoles, ...devices.channels].map(device => device.alias),
      ['serial0', 'serial1', 'console1', 'channel0', 'channel1'],
    );
    assert.equal(devices.channels[0]?.state, undefined);
    assert.equal(devices.serials[1]?.backend.path, undefined);
  });

  it('tells backends and models apart', () => {
    const devices = fixtureDevices('backends');
    assert.deepEqual(
      devices.serials.map(({ model, backend }) => [model, backend.type]),
      [
        ['isa-serial', 'tcp'],
        ['isa-serial', 'unix'],
        ['isa-serial', 'file'],
        ['isa-serial', 'null'],
        ['pci-serial', 'pty'],
        ['usb-serial', 'udp'],
      ],
    );
    assert.deepEqual(
      devices.channels.map(channel => channel.backend.type),
      ['pty', 'tcp', 'unix'],
    );
    assert.deepEqual(devices.consoles, []);
  });

  it('finds nothing where there is nothing', () => {
    const devices = fixtureDevices('bare');
    assert.deepEqual([devices.serials, devices.consoles, devices.channels], [[], [], []]);
    assert.equal(devices.primarySerial, undefined);
  });

  it('keeps both consoles of a domain without serial ports', () => {
    const aliases = fixtureDevices('virtio-only').consoles.map(console => console.alias);
    assert.deepEqual(aliases, ['console0', 'console1']);
  });

  it('knows the guest system from libosinfo', () => {
    const family = (name: 'windows' | 'mixed' | 'bare') => fixtureDevices(name).osFamily;
    assert.deepEqual([family('windows'), family('mixed'), family('bare')], ['windows', 'other', 'unknown']);
    assert.equal(fixtureDevices('mixed').osId, 'http://debian.org/debian/12');
    const dos = `<metadata><x:libosinfo xmlns:x='u'><x:os id='http://microsoft.com/msdos/6.22'/></x:libosinfo></metadata>`;
    assert.equal(parseDomainDevices(domainXml('', dos)).osFamily, 'other');
  });

  it('reads the consoles of a directly booted kernel', () => {
    const os =
      '<os><type>hvm</type><cmdline>quiet console=ttyS1,115200n8 root=/dev/vda console=hvc0</cmdline></os>';
    assert.deepEqual(parseDomainDevices(domainXml('', os)).kernelConsoles, ['ttyS1', 'hvc0']);
  });

  it('takes the lowest port for the first console where libvirt names none', () => {
    const devices = parseDomainDevices(domainXml(serialXml(2) + serialXml(1)));
    assert.equal(devices.primarySerial, 'serial1');
  });

  it('resolves character references, and drops control characters', () => {
    const xml = domainXml(`<channel type='unix'><target type='virtio' name='a&amp;b&#x1b;&lt;'/></channel>`);
    assert.equal(parseDomainDevices(xml).channels[0]?.name, 'a&b<');
  });
});

describe('hostile domain XML', () => {
  const refused = (xml: string) =>
    assert.throws(
      () => parseDomainDevices(xml),
      error => isLinkError(error) && error.code === 'bad-xml' && error.message.length < 200,
    );

  it('is refused when it is not XML or cut short', () => {
    for (const xml of ['', 'hello', '<domain>', '<domain><devices><serial/>', '<'.repeat(1_000_000)])
      refused(xml);
  });

  it('is refused when it is too long, too deep or defines entities', () => {
    refused(domainXml(`<x>${'y'.repeat(1024 * 1024)}</x>`));
    refused('<a>'.repeat(100) + '</a>'.repeat(100));
    refused('<!DOCTYPE d [<!ENTITY x "y">]><domain><name>&x;</name></domain>');
    for (const name of ['__proto__', 'constructor']) refused(`<domain><${name} polluted='1'/></domain>`);
  });

  it('cannot reach into prototypes', () => {
    const devices = parseDomainDevices(`<domain><toString/><devices __proto__='x' toString='y'/></domain>`);
    assert.deepEqual(devices.serials, []);
    assert.equal('polluted' in {}, false);
  });

  it('does no harm by elements in odd shapes', () => {
    const xml = domainXml(
      `text<serial/><serial>x</serial><serial type='pty'><target port='-1'/><alias/></serial>` +
        `<serial type='pty'><target port='99999999999'/></serial><console/><channel/>` +
        `<channel type='unix'><target type='virtio'/></channel><channel type='unix'><target name='n'/></channel>` +
        `<channel type='unix'><target type='virtio' name='${'n'.repeat(5000)}' state='maybe'/></channel>`,
    );
    const devices = parseDomainDevices(xml);
    assert.deepEqual(
      devices.serials.map(({ alias, port }) => [alias, port]),
      [
        ['serial0', 0],
        ['serial1', 1],
        ['serial2', 2],
        ['serial3', 3],
      ],
    );
    assert.deepEqual(devices.channels, []);
    assert.deepEqual(parseDomainDevices('<domain/>').serials, []);
    assert.deepEqual(parseDomainDevices('<other/>').serials, []);
  });

  it('is bounded in the number of devices', () => {
    assert.equal(parseDomainDevices(domainXml('<serial/>'.repeat(20_000))).serials.length, 1024);
  });
});
