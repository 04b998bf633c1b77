import type { DomainState } from 'libvirt';
import { type Message, message } from './message.ts';

/** A domain's state in a word or two. A blocked domain waits for something, which it does all the time. */
export function stateMessage(state: DomainState): Message {
  return message(`state.${state === 'blocked' ? 'running' : state}`);
}
