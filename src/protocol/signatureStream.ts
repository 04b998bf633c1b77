/**
 * A `signature` request, PROTOCOL.md §6: `accept` (nothing of it is needed here), DATA frames,
 * then `done` or `error`. It's the one request in which bytes come from the guest.
 */
import type { ProtocolError } from './errors.ts';
import { type Reply, toRemoteError, toReply } from './reply.ts';
import { encodeText, type TextMessage } from './text.ts';

interface SignatureTransport {
  send(pieces: Buffer[]): void;
  /** The stream number is no longer in use. */
  release(): void;
}

export class SignatureStream {
  /** The final answer; rejects with RemoteError or ProtocolError. */
  readonly result: Promise<Reply>;
  readonly onData: (offset: number, bytes: Buffer) => void;
  readonly #transport: SignatureTransport;
  readonly #settler = Promise.withResolvers<Reply>();
  #over = false;

  constructor(transport: SignatureTransport, onData: (offset: number, bytes: Buffer) => void) {
    this.#transport = transport;
    this.onData = onData;
    this.result = this.#settler.promise;
    // Whoever cancels need not look at the result.
    this.result.catch(() => undefined);
  }

  /** The rest is not wanted; the answer is still awaited, for only it frees the stream. */
  cancel(): void {
    if (!this.#over) this.#transport.send([encodeText('cancel')]);
  }

  onMessage(message: TextMessage): void {
    if (message.verb === 'done') this.#settler.resolve(toReply(message));
    else if (message.verb === 'error') this.#settler.reject(toRemoteError(message));
    else return;
    this.#over = true;
    this.#transport.release();
  }

  onEnd(error: ProtocolError): void {
    this.#over = true;
    this.#settler.reject(error);
  }
}
