import type { DeviceChange, Domain, LibvirtConnection } from 'libvirt';
import { CHANNEL_NAME } from '../link/link.ts';

/** The path of its socket is libvirt's to choose. */
export const CHANNEL_XML = `<channel type='unix'><target type='virtio' name='${CHANNEL_NAME}'/></channel>`;

export type ChannelConnection = Pick<
  LibvirtConnection,
  'attachDevice' | 'detachDevice' | 'domainState' | 'domainXml' | 'isPersistent'
>;

/** Where the channel is, and where it could be added. */
export interface ChannelFacts {
  readonly running: boolean;
  readonly inGuest: boolean;
  /** False for a transient domain, which has no stored definition. */
  readonly persistent: boolean;
  readonly inDefinition: boolean;
  /** libvirt 9 adds a channel to a running guest only where that has a virtio-serial controller, and hot-plugs none. */
  readonly canHotPlug: boolean;
}

export async function readChannelFacts(connection: ChannelConnection, domain: Domain): Promise<ChannelFacts> {
  const state = await connection.domainState(domain);
  const running = state !== 'shutoff' && state !== 'crashed';
  const persistent = await connection.isPersistent(domain);
  const live = running ? await connection.domainXml(domain) : '';
  const stored = persistent ? await connection.domainXml(domain, { inactive: true }) : '';
  return {
    running,
    inGuest: hasChannel(live),
    persistent,
    inDefinition: hasChannel(stored),
    canHotPlug: /<controller\s[^>]*type=(['"])virtio-serial\1/.test(live),
  };
}

/** The name is ours alone, and libvirt writes it in no other element. */
function hasChannel(xml: string): boolean {
  return new RegExp(`<target\\s[^>]*name=(['"])${CHANNEL_NAME.replaceAll('.', '\\.')}\\1`).test(xml);
}

/** What is still missing, now or from the next start on; undefined if nothing is. */
export function channelChange(facts: ChannelFacts, when: 'now' | 'next-start'): DeviceChange | undefined {
  const live = when === 'now' && facts.running && !facts.inGuest && facts.canHotPlug;
  const config = facts.persistent && !facts.inDefinition;
  return live || config ? { live, config } : undefined;
}

/**
 * Adds the channel. libvirt does both in one call, and where it fails in between the rest is taken back: afterwards the
 * channel is everywhere it was asked for, or nowhere. @throws LibvirtError what libvirt said first
 */
export async function addChannel(
  connection: ChannelConnection,
  domain: Domain,
  change: DeviceChange,
): Promise<void> {
  const before = await readChannelFacts(connection, domain);
  try {
    await connection.attachDevice(domain, CHANNEL_XML, change);
  } catch (error) {
    await takeBack(connection, domain, before).catch(() => undefined); // the first error says more
    throw error;
  }
}

async function takeBack(connection: ChannelConnection, domain: Domain, before: ChannelFacts): Promise<void> {
  const after = await readChannelFacts(connection, domain);
  if (after.inDefinition && !before.inDefinition) {
    await connection.detachDevice(domain, CHANNEL_XML, { live: false, config: true });
  }
  if (after.inGuest && !before.inGuest) await detachLive(connection, domain);
}

/** By the element as it is in the guest: libvirt has put the socket's path in, without which it finds no match. */
async function detachLive(connection: ChannelConnection, domain: Domain): Promise<void> {
  const elements = (await connection.domainXml(domain)).match(/<channel\s[\s\S]*?<\/channel>/g) ?? [];
  const ours = elements.find(hasChannel);
  if (ours) await connection.detachDevice(domain, ours, { live: true, config: false });
}
