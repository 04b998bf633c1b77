/** Answers of the receiver, PROTOCOL.md §5, as text: they are shown or compared, never used as file names here. */
import { RemoteError } from './errors.ts';
import type { TextMessage } from './text.ts';

/** Keys as in PROTOCOL.md. A value may be anything the guest likes: whoever needs a number checks it. */
export type Reply = ReadonlyMap<string, string>;

export function toReply(message: TextMessage): Reply {
  return new Map([...message.fields].map(([key, value]) => [key, value.toString()]));
}

export function toRemoteError(message: TextMessage): RemoteError {
  const fields = toReply(message);
  const code = fields.get('code') ?? 'internal';
  return new RemoteError(code, fields.get('message') ?? code, fields);
}
