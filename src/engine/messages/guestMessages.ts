import type { GuestError } from '../guest/guestError.ts';
import { type Message, message } from './message.ts';

export function describeGuestError({ details }: GuestError): Message {
  switch (details.code) {
    case 'not-running':
      return message(`domain.${details.state}`, details.domain);
    case 'domain-stopped':
      return message('domain.stopped', details.domain);
    case 'connection-lost':
      return message('domain.daemon-lost', details.uri);
  }
}
