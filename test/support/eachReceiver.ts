// For what must be the same whichever receiver is in the guest.
import { describe } from 'node:test';
import { type ReceiverKind, receiverNames } from './guest.ts';

export function describeEachReceiver(name: string, suite: (receiver: ReceiverKind) => void): void {
  for (const receiver of Object.keys(receiverNames) as ReceiverKind[])
    describe(`${name}, ${receiverNames[receiver]}`, () => suite(receiver));
}
