/** An open guest with a FakeReceiver in it, as openGuest would give it. */
import type { OpenGuest } from '../../../src/engine/guest/openGuest.ts';
import { openSession } from '../../../src/protocol/index.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { FakeReceiver, type FakeReceiverOptions } from '../protocol/fakeReceiver.ts';

export interface FakeGuest extends OpenGuest {
  readonly receiver: FakeReceiver;
  readonly closed: () => boolean;
}

export async function fakeGuest(name: string, options: FakeReceiverOptions = {}): Promise<FakeGuest> {
  const receiver = new FakeReceiver(options);
  const stream = new FakeLink(receiver);
  const session = await openSession(stream, { isChannel: true });
  let closed = false;
  return {
    link: { stream, description: { kind: 'serial', element: 'serial', device: name } },
    session,
    passedOver: [],
    connection: undefined,
    domain: undefined,
    hasChannel: true,
    close: async () => {
      closed = true;
      await session.close();
    },
    receiver,
    closed: () => closed,
  };
}
