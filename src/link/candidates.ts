import type { Backend, ChannelDevice, ConsoleDevice, DomainDevices, SerialDevice } from './domainDevices.ts';
import { CHANNEL_NAME, type LinkDescription } from './link.ts';

/** A device of a domain as a possible link, with the verdict on it. */
export interface Candidate extends LinkDescription {
  readonly alias: string;
  readonly use: CandidateUse;
  /** Why it is or isn't tried: a clause for people, without a full stop. */
  readonly reason: string;
}

export type CandidateUse =
  | 'automatic' // `--link auto` may try it: nothing but a receiver can be listening there
  | 'closed-in-guest' // it would be tried, but no program in the guest has it open
  | 'named-only' // something else may listen there: never written to unless it is named
  | 'unusable'; // it can't be opened as a stream

type Verdict = Pick<Candidate, 'use' | 'reason'>;

const NAMED_ONLY = 'used only when named';

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
    device: channel.name,
    alias: channel.alias,
    label: `virtio channel ${channel.name}`,
    ...judgeChannel(channel),
  };
}

function judgeChannel(channel: ChannelDevice): Verdict {
  if (channel.backend.type !== 'unix') return unopenable(channel.backend, ['unix']);
  if (channel.name !== CHANNEL_NAME) return refused(`${ownerOf(channel.name)}; ${NAMED_ONLY}`);
  if (channel.state === 'disconnected')
    return { use: 'closed-in-guest', reason: 'no program in the guest has it open' };
  return taken('the fastest link, and only a receiver opens it');
}

function ownerOf(channelName: string): string {
  if (channelName.startsWith('org.qemu.guest_agent')) return 'it belongs to the QEMU guest agent';
  if (/^(com\.redhat|org)\.spice/.test(channelName)) return 'it belongs to SPICE';
  return 'it was made for another program';
}

function serialCandidate(serial: SerialDevice, devices: DomainDevices): Candidate {
  return {
    kind: 'serial',
    device: serial.alias,
    alias: serial.alias,
    label: `${serial.model} port ${serial.alias}`,
    ...judgeSerial(serial, devices),
  };
}

function judgeSerial(serial: SerialDevice, devices: DomainDevices): Verdict {
  if (!isOpenable(serial.backend)) return unopenable(serial.backend, ['pty', 'unix']);
  if (serial.model.startsWith('isa-debug')) return { use: 'unusable', reason: 'a debug port takes no input' };
  const name = `ttyS${serial.port}`;
  if (devices.kernelConsoles.includes(name)) {
    return refused(`the guest's kernel has its console there (console=${name}); ${NAMED_ONLY}`);
  }
  if (serial.alias !== devices.primarySerial)
    return taken('an extra serial port, where no login is expected');
  if (devices.osFamily === 'windows') return taken('Windows has no login on its first serial port');
  return refused(`a login may sit on the first serial port; ${NAMED_ONLY}`);
}

function consoleCandidate(device: ConsoleDevice): Candidate {
  const isVirtio = device.targetType === 'virtio';
  return {
    kind: isVirtio ? 'virtio-console' : 'serial',
    device: device.alias,
    alias: device.alias,
    label: `${device.targetType} console ${device.alias}`,
    ...(isOpenable(device.backend)
      ? refused(`a login may sit on a console; ${NAMED_ONLY}`)
      : unopenable(device.backend, ['pty', 'unix'])),
  };
}

function isOpenable(backend: Backend): boolean {
  return backend.type === 'pty' || backend.type === 'unix';
}

function taken(reason: string): Verdict {
  return { use: 'automatic', reason };
}

function refused(reason: string): Verdict {
  return { use: 'named-only', reason };
}

function unopenable(backend: Backend, possible: readonly string[]): Verdict {
  const reason = `its backend is "${backend.type}", and libvirt opens only "${possible.join('" or "')}"`;
  return { use: 'unusable', reason };
}
