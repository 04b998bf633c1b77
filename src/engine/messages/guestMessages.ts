import type { GuestError, StopReason } from '../guest/guestError.ts';
import type { MessageId } from './english.ts';
import { type Message, message } from './message.ts';

export function describeGuestError({ details }: GuestError): Message {
  switch (details.code) {
    case 'not-running':
      return message(details.pause ? `pause.${details.pause}` : `domain.${details.state}`, details.domain);
    case 'domain-stopped': {
      const next = details.restarted ? 'stop.runs-again' : NEXT_STEPS[details.reason];
      return message(next ?? 'stop.start-it', message(`stop.${details.reason}`, details.domain));
    }
    case 'connection-lost':
      return message(details.answersAgain ? 'domain.daemon-back' : 'domain.daemon-lost', details.uri);
  }
}

/** Where it isn't enough to start the domain. */
const NEXT_STEPS: Readonly<Partial<Record<StopReason, MessageId>>> = {
  migrated: 'stop.go-there',
  saved: 'stop.restore-it',
};
