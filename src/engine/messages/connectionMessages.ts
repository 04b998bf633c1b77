import type { LibvirtError } from 'libvirt';
import type { ChosenConnection } from '../guest/chooseConnection.ts';
import { accessAdvice } from './accessMessages.ts';
import { type Message, type MessageValue, message } from './message.ts';

/** The connection where a sentence names it: with the one that was passed over for it, and why. */
export function connectionName({ uri, passedOver }: ChosenConnection): MessageValue {
  return passedOver ? message('connection.instead', uri, whyNot(passedOver.uri, passedOver.error)) : uri;
}

/** What a user who named no connection has to know; undefined where it's the one they'd expect. */
export function connectionNote({ uri, passedOver }: ChosenConnection): Message | undefined {
  if (!passedOver) return undefined;
  const { error } = passedOver;
  const note = message('note.connection-instead', uri, whyNot(passedOver.uri, error));
  return REFUSALS.has(error.code) ? message('join.sentences', note, accessAdvice(error)) : note;
}

const REFUSALS: ReadonlySet<string> = new Set(['access-denied', 'auth-failed', 'denied', 'read-only']);

/** A clause. */
function whyNot(uri: string, { code, reason }: LibvirtError): Message {
  switch (code) {
    case 'no-socket':
      return message(reason === 'no-helper' ? 'passed-over.other' : 'passed-over.not-running', uri);
    case 'connection-lost':
    case 'timeout':
      return message('passed-over.silent', uri);
    case 'access-denied':
    case 'auth-failed':
    case 'denied':
      return message('passed-over.denied', uri);
    case 'read-only':
      return message('passed-over.read-only', uri);
    default:
      return message('passed-over.other', uri);
  }
}
