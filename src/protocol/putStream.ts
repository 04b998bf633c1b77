/** One file on its way into the guest: PROTOCOL.md §5, `put`, DATA, `commit`, `cancel`. */
import { DATA_OFFSET_BYTES, FrameType } from './constants.ts';
import type { ProtocolError } from './errors.ts';
import { type Reply, toRemoteError, toReply } from './reply.ts';
import { encodeText, type TextMessage } from './text.ts';

export interface PutTransport {
  send(type: number, pieces: readonly Buffer[], onAcknowledged?: () => void): void;
  /** The stream number is no longer in use. */
  release(): void;
  /** Resolves when more data may be queued; rejects when the session is over. */
  room(): Promise<void>;
}

export class PutStream {
  /** `accept`, or `done` if there is nothing to send; rejects with RemoteError or ProtocolError. */
  readonly accepted: Promise<Reply>;
  /** The final answer; rejects with RemoteError or ProtocolError. */
  readonly result: Promise<Reply>;
  /** The receiver has given its final answer: sending more data would be in vain. */
  answered = false;
  readonly #transport: PutTransport;
  readonly #acceptedSettler = Promise.withResolvers<Reply>();
  readonly #resultSettler = Promise.withResolvers<Reply>();
  #offset = 0;
  #concluded = false;

  constructor(transport: PutTransport) {
    this.#transport = transport;
    this.accepted = this.#acceptedSettler.promise;
    this.result = this.#resultSettler.promise;
    // Callers look at one of the two; the other must not count as unhandled.
    this.accepted.catch(() => undefined);
    this.result.catch(() => undefined);
  }

  /** Room for more data. @throws ProtocolError when the session is over. */
  room(): Promise<void> {
    return this.#transport.room();
  }

  /** Queues the file's next bytes, at most one frame's worth; `onAcknowledged` gives their memory back. */
  sendData(bytes: Buffer, onAcknowledged?: () => void): void {
    const offset = Buffer.allocUnsafe(DATA_OFFSET_BYTES);
    offset.writeBigUInt64BE(BigInt(this.#offset));
    this.#offset += bytes.length;
    this.#transport.send(FrameType.DATA, [offset, bytes], onAcknowledged);
  }

  commit(sha256: string): Promise<Reply> {
    this.#conclude(encodeText('commit', { size: this.#offset, sha256 }));
    return this.result;
  }

  /** Gives the file up; resolves when the receiver has removed what it had of it. */
  async cancel(): Promise<void> {
    this.#conclude(encodeText('cancel'));
    await this.result.catch(() => undefined);
  }

  onMessage(message: TextMessage): void {
    const reply = toReply(message);
    if (message.verb === 'accept') this.#acceptedSettler.resolve(reply);
    if (message.verb === 'done') {
      this.#acceptedSettler.resolve(reply);
      this.#resultSettler.resolve(reply);
    } else if (message.verb === 'error') this.#fail(toRemoteError(message));
    else return;
    this.answered = true;
    this.#releaseWhenOver();
  }

  onEnd(error: ProtocolError): void {
    this.#fail(error);
    this.answered = true;
  }

  #fail(error: Error): void {
    this.#acceptedSettler.reject(error);
    this.#resultSettler.reject(error);
  }

  #conclude(payload: Buffer): void {
    if (this.#concluded) return;
    this.#concluded = true;
    this.#transport.send(FrameType.CONTROL, [payload]);
    this.#releaseWhenOver();
  }

  #releaseWhenOver(): void {
    if (this.#concluded && this.answered) this.#transport.release();
  }
}
