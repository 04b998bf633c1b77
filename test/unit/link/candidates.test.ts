import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { worded } from '../../../src/cli/wording.ts';
import { candidateReason, linkLabel } from '../../../src/engine/messages/linkMessages.ts';
import {
  chooseCandidate,
  isLinkError,
  laneCandidates,
  parseDomainDevices,
  rankCandidates,
} from '../../../src/link/index.ts';
import { candidateOf, domainXml, type FixtureName, fixtureDevices, serialXml } from './fixtures.ts';

const uses = (name: FixtureName) =>
  rankCandidates(fixtureDevices(name)).map(({ device, use }) => `${device} ${use}`);

describe('ranking of links', () => {
  it('never takes unasked what may carry a login', () => {
    assert.deepEqual(uses('mixed'), [
      'serial1 automatic',
      'org.guestwire.0 closed-in-guest',
      'serial0 named-only',
      'console1 named-only',
      'org.qemu.guest_agent.0 named-only',
    ]);
    assert.deepEqual(uses('virtio-only'), ['console0 named-only', 'console1 named-only']);
  });

  it('takes our channel first when a program in the guest has it open, or may have', () => {
    for (const state of [`state='connected'`, '']) {
      const channel = `<channel type='unix'><target type='virtio' name='org.guestwire.0' ${state}/></channel>`;
      const ranked = rankCandidates(parseDomainDevices(domainXml(serialXml(0) + serialXml(1) + channel)));
      assert.deepEqual(
        ranked.filter(candidate => candidate.use === 'automatic').map(candidate => candidate.device),
        ['org.guestwire.0', 'serial1'],
      );
    }
  });

  it("takes Windows's first serial port", () => {
    assert.deepEqual(uses('windows'), ['serial0 automatic', 'com.redhat.spice.0 named-only']);
  });

  it('refuses what libvirt cannot open as a stream', () => {
    assert.deepEqual(uses('backends'), [
      'serial4 automatic',
      'org.guestwire.0 closed-in-guest',
      'serial1 unusable',
      'serial2 unusable',
      'serial3 unusable',
      'serial5 unusable',
      'serial0 unusable',
      'org.example.pty unusable',
      'org.example.tcp unusable',
    ]);
  });

  it("leaves the kernel's console and debug ports alone", () => {
    const os = '<os><cmdline>console=ttyS2</cmdline></os>';
    const xml = domainXml(serialXml(0) + serialXml(1, 'isa-debugcon') + serialXml(2) + serialXml(3), os);
    const devices = parseDomainDevices(xml);
    assert.equal(candidateOf(devices, 'serial1').use, 'unusable');
    assert.equal(candidateOf(devices, 'serial2').use, 'named-only');
    assert.deepEqual(candidateOf(devices, 'serial2').reason, { code: 'kernel-console', console: 'ttyS2' });
    assert.equal(candidateOf(devices, 'serial3').use, 'automatic');
  });

  it('takes as lanes what nobody else can be listening on, and only beside a serial port', () => {
    const devices = parseDomainDevices(
      domainXml(serialXml(0) + serialXml(1) + serialXml(2) + serialXml(3, 'isa-debugcon')),
    );
    const candidates = rankCandidates(devices);
    const lanesOf = (device: string) =>
      laneCandidates(candidates, candidateOf(devices, device)).map(lane => lane.device);
    assert.deepEqual(lanesOf('serial1'), ['serial2']);
    assert.deepEqual(lanesOf('serial0'), ['serial1', 'serial2']);
    const channel = { kind: 'channel', element: 'channel', device: 'org.guestwire.0' } as const;
    assert.deepEqual(laneCandidates(candidates, channel), []);
  });

  it('goes through extra serial ports in the order of their numbers', () => {
    const devices = parseDomainDevices(domainXml(serialXml(0) + serialXml(3) + serialXml(1) + serialXml(2)));
    const automatic = rankCandidates(devices).filter(candidate => candidate.use === 'automatic');
    assert.deepEqual(
      automatic.map(candidate => candidate.device),
      ['serial1', 'serial2', 'serial3'],
    );
  });

  it('says which link it is, and why it is tried or not', () => {
    const mixed = fixtureDevices('mixed');
    const say = (device: string) => {
      const candidate = candidateOf(mixed, device);
      return `${worded(linkLabel(candidate))}: ${worded(candidateReason(candidate.reason))}`;
    };
    assert.deepEqual(
      ['serial1', 'org.guestwire.0', 'serial0', 'console1', 'org.qemu.guest_agent.0'].map(say),
      [
        'isa-serial port serial1: an extra serial port, where no login is expected',
        'virtio channel org.guestwire.0: no program in the guest has it open',
        'isa-serial port serial0: a login may be on the first serial port; used only if you name it',
        'virtio console console1: a login may be on a console; used only if you name it',
        'virtio channel org.qemu.guest_agent.0: belongs to the QEMU guest agent; used only if you name it',
      ],
    );
    assert.deepEqual(candidateOf(fixtureDevices('backends'), 'serial0').reason, {
      ...{ code: 'backend', backend: 'tcp', possible: ['pty'] },
    });
    assert.equal(
      worded(candidateReason(candidateOf(fixtureDevices('backends'), 'serial1').reason)),
      'libvirt opens only the backend "pty", and this one has "unix"',
    );
  });

  it("never takes a third program's socket unasked, and says whose it is", () => {
    const channel =
      "<channel type='unix'><source mode='connect' path='/run/third.sock'/>" +
      "<target type='virtio' name='org.guestwire.0' state='connected'/></channel>";
    const devices = parseDomainDevices(domainXml(serialXml(0) + channel));
    const candidate = candidateOf(devices, 'org.guestwire.0');
    assert.equal(candidate.use, 'named-only');
    assert.match(worded(candidateReason(candidate.reason)), /socket "\/run\/third\.sock" of another program/);
    assert.deepEqual(
      rankCandidates(devices).filter(one => one.use === 'automatic'),
      [],
    );
  });
});

describe('a named device', () => {
  const ranked = rankCandidates(fixtureDevices('mixed'));

  it('is found by alias and by channel name', () => {
    assert.equal(chooseCandidate(ranked, 'serial0', 'demo').device, 'serial0');
    assert.equal(chooseCandidate(ranked, 'channel0', 'demo').device, 'org.guestwire.0');
    assert.equal(chooseCandidate(ranked, 'org.qemu.guest_agent.0', 'demo').alias, 'channel1');
    assert.equal(chooseCandidate(ranked, 'console1', 'demo').kind, 'virtio-console');
  });

  it('that does not exist is answered with those that do', () => {
    assert.throws(
      () => chooseCandidate(ranked, 'serial7', 'demo'),
      error =>
        isLinkError(error) &&
        error.code === 'no-such-device' &&
        error.device === 'serial7' &&
        ['serial0', 'serial1', 'console1', 'org.guestwire.0'].every(name => error.available.includes(name)),
    );
    assert.throws(
      () => chooseCandidate([], 'serial7', 'demo'),
      error => isLinkError(error) && error.available.length === 0,
    );
  });

  it('that cannot be opened says why', () => {
    assert.throws(
      () => chooseCandidate(rankCandidates(fixtureDevices('backends')), 'serial2', 'demo'),
      error =>
        isLinkError(error) &&
        error.code === 'not-openable' &&
        error.candidate?.reason.code === 'backend' &&
        error.candidate.reason.backend === 'file',
    );
  });
});
