import type { OsFamily } from './link.ts';
import { attribute, child, children, childrenByLocalName, parseXml, text, type XmlNode } from './xmlTree.ts';

/** Where the host end of a device is. libvirt opens a serial port or a console on a `pty`, a channel on a `unix` socket. */
export interface Backend {
  /** `pty`, `unix`, `tcp`, `udp`, `file`, `null`, `dev`, … as libvirt names it. */
  readonly type: string;
  /** The pty or socket, once the domain runs. */
  readonly path: string | undefined;
  /** The socket belongs to another program of the host, to which QEMU connects. */
  readonly connects?: true;
}

export interface SerialDevice {
  readonly alias: string;
  /** As the guest counts: 0 is ttyS0 or COM1. */
  readonly port: number;
  /** `isa-serial`, `pci-serial`, `usb-serial`, `isa-debug`, `pl011`, … */
  readonly model: string;
  readonly backend: Backend;
}

export interface ConsoleDevice {
  readonly alias: string;
  /** `virtio`, `sclp`, `xen`, …; a console that only mirrors a serial port is not listed. */
  readonly targetType: string;
  readonly port: number;
  readonly backend: Backend;
}

export interface ChannelDevice {
  readonly alias: string;
  /** Target name, such as `org.qemu.guest_agent.0`. */
  readonly name: string;
  /** Whether a program in the guest has the port open; undefined where libvirt doesn't know. */
  readonly state: 'connected' | 'disconnected' | undefined;
  readonly backend: Backend;
}

export interface DomainDevices {
  readonly serials: readonly SerialDevice[];
  readonly consoles: readonly ConsoleDevice[];
  readonly channels: readonly ChannelDevice[];
  /** Alias of the serial port that is also the domain's first console. */
  readonly primarySerial: string | undefined;
  /** What `console=` names on the command line of a directly booted kernel: `ttyS0`, `hvc0`, … */
  readonly kernelConsoles: readonly string[];
  /** libosinfo's identifier, such as `http://debian.org/debian/12`. */
  readonly osId: string | undefined;
  readonly osFamily: OsFamily;
}

/** More devices than this of one kind is not a machine (QEMU: 4 isa-serial, 31 ports a virtio-serial bus). */
const MAX_DEVICES = 1024;

/**
 * Reads what may carry bytes into the guest from a domain's XML (docs: formatdomain.html, "Consoles, serial,
 * parallel & channel devices"). Works on inactive XML too: aliases are then those libvirt will give.
 */
export function parseDomainDevices(xml: string): DomainDevices {
  const domain = child(parseXml(xml), 'domain');
  const devices = child(domain, 'devices');
  const serials = children(devices, 'serial').slice(0, MAX_DEVICES).map(serialDevice);
  const consoles = children(devices, 'console').slice(0, MAX_DEVICES);
  const osId = readOsId(domain);
  return {
    serials,
    consoles: consoles.map(consoleDevice).filter(device => device !== undefined),
    channels: children(devices, 'channel')
      .slice(0, MAX_DEVICES)
      .map(channelDevice)
      .filter(device => device !== undefined),
    primarySerial: primarySerial(serials, consoles),
    kernelConsoles: kernelConsoles(child(domain, 'os', 'cmdline')),
    osId,
    osFamily: osFamily(osId),
  };
}

function serialDevice(node: XmlNode, index: number): SerialDevice {
  const target = child(node, 'target');
  return {
    alias: alias(node) ?? `serial${index}`,
    port: portNumber(target) ?? index,
    model:
      attribute(child(target, 'model'), 'name') ??
      attribute(target, 'type') ??
      (attribute(node, 'type') === undefined ? 'unknown' : 'serial'),
    backend: backend(node),
  };
}

function consoleDevice(node: XmlNode, index: number): ConsoleDevice | undefined {
  const target = child(node, 'target');
  const targetType = attribute(target, 'type') ?? 'serial';
  if (targetType === 'serial') return undefined;
  const port = portNumber(target) ?? index;
  return { alias: alias(node) ?? `console${index}`, targetType, port, backend: backend(node) };
}

function channelDevice(node: XmlNode, index: number): ChannelDevice | undefined {
  const target = child(node, 'target');
  const name = attribute(target, 'name');
  if (attribute(target, 'type') !== 'virtio' || name === undefined) return undefined;
  const state = attribute(target, 'state');
  return {
    alias: alias(node) ?? `channel${index}`,
    name,
    state: state === 'connected' || state === 'disconnected' ? state : undefined,
    backend: backend(node),
  };
}

function backend(node: XmlNode): Backend {
  const source = child(node, 'source');
  const there = { type: attribute(node, 'type') ?? 'unknown', path: attribute(source, 'path') };
  return attribute(source, 'mode') === 'connect' ? { ...there, connects: true } : there;
}

function alias(node: XmlNode): string | undefined {
  return attribute(child(node, 'alias'), 'name');
}

function portNumber(target: XmlNode): number | undefined {
  const port = attribute(target, 'port');
  return port !== undefined && /^\d{1,4}$/.test(port) ? Number(port) : undefined;
}

/** libvirt repeats the first console's serial port as `<console>` with the same alias; older ones by number. */
function primarySerial(serials: readonly SerialDevice[], consoles: readonly XmlNode[]): string | undefined {
  const mirror = consoles.find(node => (attribute(child(node, 'target'), 'type') ?? 'serial') === 'serial');
  const named = mirror && serials.find(serial => serial.alias === alias(mirror));
  const lowest = [...serials].sort((a, b) => a.port - b.port)[0];
  return (named ?? lowest)?.alias;
}

function kernelConsoles(commandLine: XmlNode): string[] {
  const words = (text(commandLine) ?? '').split(/\s+/).filter(word => word.startsWith('console='));
  return words.map(word => word.slice('console='.length).split(',')[0] ?? '');
}

function readOsId(domain: XmlNode): string | undefined {
  for (const libosinfo of childrenByLocalName(child(domain, 'metadata'), 'libosinfo')) {
    for (const os of childrenByLocalName(libosinfo, 'os')) {
      const id = attribute(os, 'id');
      if (id !== undefined) return id;
    }
  }
  return undefined;
}

function osFamily(osId: string | undefined): OsFamily {
  if (osId === undefined) return 'unknown';
  return /^https?:\/\/microsoft\.com\/win\//.test(osId) ? 'windows' : 'other';
}
