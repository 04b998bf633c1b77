import { printable } from '../../text/printable.ts';
import type { OpenGuest } from '../guest/openGuest.ts';

/** What whoever waits for a slow copy should know of the link it takes; sentences. */
export function linkNotes(
  { domain, hasChannel, link, passedOver }: Pick<OpenGuest, 'domain' | 'hasChannel' | 'link' | 'passedOver'>,
  isAutomatic: boolean,
): string[] {
  const { label } = link.description;
  if (passedOver.length > 0) {
    const silent = passedOver.map(other => other.label).join(', ');
    const why = `no receiver answered on ${silent}, or another program has it`;
    return [printable(`note: copying over ${label}, for ${why}.`)];
  }
  // Without a domain it is a port of this computer, whose other end nobody knows.
  if (!domain || hasChannel || !isAutomatic) return [];
  return [
    printable(
      `note: a virtio channel would be many times faster than ${label}: give the domain one by "virsh attach-device" with <channel type='unix'><target type='virtio' name='org.guestwire.0'/></channel>.`,
    ),
  ];
}
