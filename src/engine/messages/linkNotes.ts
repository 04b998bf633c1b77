import type { OpenGuest } from '../guest/openGuest.ts';
import { linkLabel } from './linkMessages.ts';
import { listOf, type Message, message } from './message.ts';

/** What the user of a slow copy can know of the link it takes. */
export function linkNotes(
  { domain, hasChannel, link, passedOver }: Pick<OpenGuest, 'domain' | 'hasChannel' | 'link' | 'passedOver'>,
  isAutomatic: boolean,
): Message[] {
  const label = linkLabel(link.description);
  if (passedOver.length > 0) return [message('note.passed-over', label, listOf(passedOver.map(linkLabel)))];
  // Without a domain it is a port of this computer, whose other end nobody knows.
  if (!domain || hasChannel || !isAutomatic) return [];
  return [message('note.channel-is-faster', label)];
}
