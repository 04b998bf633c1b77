import type { Candidate, CandidateReason } from './candidate.ts';
import type { Backend, ChannelDevice, ConsoleDevice, DomainDevices, SerialDevice } from './domainDevices.ts';
import { CHANNEL_NAME, type LinkDescription } from './link.ts';

type Verdict = Pick<Candidate, 'use' | 'reason'>;

/** All devices, best first: those `auto` may try in the order it tries them, then the others. */
export function rankCandidates(devices: DomainDevices): Candidate[] {
  const serials = [...devices.serials].sort((a, b) => a.port - b.port);
  const isPrimary = (serial: SerialDevice) => serial.alias === devices.primarySerial;
  const all = [
    ...devices.channels.filter(channel => channel.name === CHANNEL_NAME).map(channelCandidate),
    ...serials.filter(serial => !isPrimary(serial)).map(serial => serialCandidate(serial, devices)),
    ...serials.filter(isPrimary).map(serial => serialCandidate(serial, devices)),
    ...devices.consoles.map(consoleCandidate),
    ...devices.channels.filter(channel => channel.name !== CHANNEL_NAME).map(channelCandidate),
  ];
  return [...all.filter(isAutomatic), ...all.filter(one => !isAutomatic(one))];
}

export function isAutomatic(candidate: Candidate): boolean {
  return candidate.use === 'automatic';
}

/** Serial ports that a receiver behind the link may serve beside it, and that nobody else can be listening on. */
export function laneCandidates(candidates: readonly Candidate[], link: LinkDescription): Candidate[] {
  if (link.kind !== 'serial') return [];
  return candidates.filter(one => one.kind === 'serial' && isAutomatic(one) && one.device !== link.device);
}

function channelCandidate(channel: ChannelDevice): Candidate {
  return {
    kind: 'channel',
    element: 'channel',
    device: channel.name,
    alias: channel.alias,
    ...judgeChannel(channel),
  };
}

function judgeChannel(channel: ChannelDevice): Verdict {
  if (channel.backend.type !== 'unix') return unopenable(channel.backend, ['unix']);
  // libvirt would connect us to that program's socket, not to the guest.
  if (channel.backend.connects) return refused({ code: 'other-socket', path: channel.backend.path ?? '' });
  if (channel.name !== CHANNEL_NAME) return refused({ code: ownerOf(channel.name) });
  if (channel.state === 'disconnected')
    return { use: 'closed-in-guest', reason: { code: 'closed-in-guest' } };
  return taken({ code: 'fastest' });
}

function ownerOf(channelName: string): 'guest-agent' | 'spice' | 'other-program' {
  if (channelName.startsWith('org.qemu.guest_agent')) return 'guest-agent';
  return /^(com\.redhat|org)\.spice/.test(channelName) ? 'spice' : 'other-program';
}

function serialCandidate(serial: SerialDevice, devices: DomainDevices): Candidate {
  return {
    kind: 'serial',
    element: 'serial',
    model: serial.model,
    device: serial.alias,
    alias: serial.alias,
    ...judgeSerial(serial, devices),
  };
}

function judgeSerial(serial: SerialDevice, devices: DomainDevices): Verdict {
  if (!isPty(serial.backend)) return unopenable(serial.backend, ['pty']);
  if (serial.model.startsWith('isa-debug')) return { use: 'unusable', reason: { code: 'no-input' } };
  const name = `ttyS${serial.port}`;
  if (devices.kernelConsoles.includes(name)) return refused({ code: 'kernel-console', console: name });
  if (serial.alias !== devices.primarySerial) return taken({ code: 'extra-port' });
  if (devices.osFamily === 'windows') return taken({ code: 'windows-first-port' });
  return refused({ code: 'login-on-first-port' });
}

function consoleCandidate(device: ConsoleDevice): Candidate {
  const isVirtio = device.targetType === 'virtio';
  return {
    kind: isVirtio ? 'virtio-console' : 'serial',
    element: 'console',
    model: device.targetType,
    device: device.alias,
    alias: device.alias,
    ...(isPty(device.backend) ? refused({ code: 'login-on-console' }) : unopenable(device.backend, ['pty'])),
  };
}

/** src/qemu/qemu_driver.c, qemuDomainOpenConsole: "character device … is not using a PTY" */
function isPty(backend: Backend): boolean {
  return backend.type === 'pty';
}

function taken(reason: CandidateReason): Verdict {
  return { use: 'automatic', reason };
}

function refused(reason: CandidateReason): Verdict {
  return { use: 'named-only', reason };
}

function unopenable(backend: Backend, possible: readonly string[]): Verdict {
  return { use: 'unusable', reason: { code: 'backend', backend: backend.type, possible } };
}
