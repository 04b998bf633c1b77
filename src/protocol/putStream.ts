/**
 * One file on its way into the guest: PROTOCOL.md §5, `put`, DATA, `commit`, `cancel`. Host and receiver end their parts
 * independently, and the stream number is free when both have:
 *
 * | | not answered | answered `done` or `error` |
 * |---|---|---|
 * | no `commit` or `cancel` yet | data goes over | more data is in vain; the receiver drops it |
 * | `commit` or `cancel` sent | the answer is awaited | over: the number is released |
 */
import { COPY_RANGE_BYTES, DATA_OFFSET_BYTES, FLAG_ENCODED, FrameType } from './constants.ts';
import { isRemoteError, type ProtocolError } from './errors.ts';
import type { Outgoing } from './reliableSender.ts';
import { type Reply, toRemoteError, toReply } from './reply.ts';
import { encodeText, type TextMessage } from './text.ts';

export interface PutTransport {
  send(frame: Omit<Outgoing, 'stream'>): void;
  /** The stream number is no longer in use. */
  release(): void;
  /** Resolves when more data may be queued; rejects when the session is over. */
  room(): Promise<void>;
}

/** Bytes of the basis, the file that had the name before. */
export interface BasisRange {
  from: number;
  length: number;
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
    const pieces = [offsetField(this.#offset), bytes];
    this.#offset += bytes.length;
    this.#transport.send({ type: FrameType.DATA, pieces, onAcknowledged });
  }

  /** Queues one frame of a compressed piece; all frames of a piece carry the offset of its beginning. */
  sendEncoded(bytes: Buffer, onAcknowledged?: () => void): void {
    const pieces = [offsetField(this.#offset), bytes];
    this.#transport.send({ type: FrameType.DATA, flags: FLAG_ENCODED, pieces, onAcknowledged });
  }

  /** The encoded frames since the last piece hold this many of the file's bytes. */
  endPiece(fileBytes: number): void {
    this.#offset += fileBytes;
  }

  /** The file's next bytes are these of the basis; at most one frame's worth of ranges. */
  sendCopy(ranges: readonly BasisRange[], onAcknowledged?: () => void): void {
    const entries = Buffer.allocUnsafe(ranges.length * COPY_RANGE_BYTES);
    let at = 0;
    const offset = offsetField(this.#offset);
    for (const { from, length } of ranges) {
      at = entries.writeBigUInt64BE(BigInt(from), at);
      at = entries.writeUInt32BE(length, at);
      this.#offset += length;
    }
    this.#transport.send({ type: FrameType.COPY, pieces: [offset, entries], onAcknowledged });
  }

  /** The receiver kept this many bytes of a broken-off put: what is sent goes on behind them. */
  resumeAt(offset: number): void {
    this.#offset = offset;
  }

  commit(sha256: string): Promise<Reply> {
    this.#conclude(encodeText('commit', { size: this.#offset, sha256 }));
    return this.result;
  }

  /**
   * Gives the file up, unless it's committed already. Resolves with the receiver's answer, after which nothing unfinished
   * is there; to false where the session ends without one.
   *
   * @param keep - leaves what a put with `resume=1` has brought for the next one
   */
  cancel(keep = false): Promise<boolean> {
    this.#conclude(encodeText('cancel', { keep: keep ? 1 : undefined }));
    return this.result.then(
      () => true,
      error => isRemoteError(error),
    );
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

  /** Both, for callers wait for one of the two; settling again does nothing. */
  #fail(error: Error): void {
    this.#acceptedSettler.reject(error);
    this.#resultSettler.reject(error);
  }

  #conclude(payload: Buffer): void {
    if (this.#concluded) return;
    this.#concluded = true;
    this.#transport.send({ type: FrameType.CONTROL, pieces: [payload] });
    this.#releaseWhenOver();
  }

  #releaseWhenOver(): void {
    if (this.#concluded && this.answered) this.#transport.release();
  }
}

/** §1: where the bytes belong in the file. Exact up to 2^53, which no file reaches. */
function offsetField(offset: number): Buffer {
  const field = Buffer.allocUnsafe(DATA_OFFSET_BYTES);
  field.writeBigUInt64BE(BigInt(offset));
  return field;
}
