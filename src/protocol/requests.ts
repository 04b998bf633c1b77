/**
 * The requests of PROTOCOL.md §5 as promises: gives each a stream number, passes the answers to whoever asked, and lets
 * callers wait while the receiver has as many requests open as it takes, or while enough data is queued.
 */
import { FrameType } from './constants.ts';
import type { ProtocolError } from './errors.ts';
import { PutStream } from './putStream.ts';
import type { Outgoing } from './reliableSender.ts';
import { type Reply, toRemoteError, toReply } from './reply.ts';
import { SignatureStream } from './signatureStream.ts';
import { encodeText, type FieldValue, type TextMessage } from './text.ts';
import type { Welcome } from './welcome.ts';

/** Where a request's frames go: one port, or several side by side. */
export interface FrameSink {
  readonly welcome: Welcome;
  readonly ended: ProtocolError | undefined;
  /** Whether more data may be queued. */
  readonly hasRoom: boolean;
  /** While the receiver owes answers its silence is suspicious. */
  set hasOpenRequests(areOpen: boolean);
  enqueue(outgoing: Outgoing): void;
  /** Sends what can be sent. */
  advance(): void;
}

interface OpenStream {
  onMessage(message: TextMessage): void;
  onData?(offset: number, bytes: Buffer): void;
  onEnd(error: ProtocolError): void;
}

interface Waiter {
  resolve(): void;
  reject(error: ProtocolError): void;
}

/** §1: a stream number has 16 bits, and 0 means none. */
const LAST_STREAM = 0xffff;

export class Requests {
  readonly #sink: FrameSink;
  readonly #openStreams = new Map<number, OpenStream>();
  #lastStream = 0;
  #slotWaiters: Waiter[] = [];
  #roomWaiters: Waiter[] = [];

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** One request with one answer. */
  async request(verb: string, fields: Record<string, FieldValue>): Promise<Reply> {
    const payload = encodeText(verb, fields);
    const id = await this.#claimStream();
    try {
      return await new Promise((resolve, reject) => {
        const onMessage = (message: TextMessage) => {
          if (message.verb === 'done') resolve(toReply(message));
          else if (message.verb === 'error') reject(toRemoteError(message));
        };
        this.#begin(id, { onMessage, onEnd: reject }, payload);
      });
    } finally {
      this.#releaseStream(id);
    }
  }

  /** A request that DATA follows; the caller ends it by `commit` or `cancel`. */
  async put(fields: Record<string, FieldValue>, verb: 'put' | 'bundle' | 'compare'): Promise<PutStream> {
    const payload = encodeText(verb, fields);
    const id = await this.#claimStream();
    const put = new PutStream({
      send: outgoing => this.#send({ ...outgoing, stream: id }),
      release: () => this.#releaseStream(id),
      room: () => this.#room(),
    });
    this.#begin(id, put, payload);
    return put;
  }

  /** A request that DATA answers. */
  async signature(
    fields: { path: string; block: number },
    onData: (offset: number, bytes: Buffer) => void,
  ): Promise<SignatureStream> {
    const payload = encodeText('signature', fields);
    const id = await this.#claimStream();
    const send = (pieces: Buffer[]) => this.#send({ type: FrameType.CONTROL, stream: id, pieces });
    const stream = new SignatureStream({ send, release: () => this.#releaseStream(id) }, onData);
    this.#begin(id, stream, payload);
    return stream;
  }

  onMessage(id: number, message: TextMessage): void {
    this.#openStreams.get(id)?.onMessage(message);
  }

  onData(id: number, offset: number, bytes: Buffer): void {
    this.#openStreams.get(id)?.onData?.(offset, bytes);
  }

  /** Something may have been sent: who waits for room to queue more may have it now. */
  onAdvanced(): void {
    if (this.#roomWaiters.length === 0 || !this.#sink.hasRoom) return;
    for (const waiter of this.#roomWaiters.splice(0)) waiter.resolve();
  }

  /** The session is over, and so is everything that waits for it. */
  onEnd(error: ProtocolError): void {
    for (const open of [...this.#openStreams.values()]) open.onEnd(error);
    for (const waiter of [...this.#slotWaiters.splice(0), ...this.#roomWaiters.splice(0)])
      waiter.reject(error);
  }

  #begin(id: number, stream: OpenStream, payload: Buffer): void {
    this.#openStreams.set(id, stream);
    this.#send({ type: FrameType.CONTROL, stream: id, pieces: [payload] });
  }

  #send(outgoing: Outgoing): void {
    this.#sink.enqueue(outgoing);
    // Only now: silence counts from the first frame after a pause, which the sink has just noted.
    this.#sink.hasOpenRequests = this.#openStreams.size > 0;
    this.#sink.advance();
  }

  /** Resolves when the queue has room for more data. */
  #room(): Promise<void> {
    if (this.#sink.ended) return Promise.reject(this.#sink.ended);
    if (this.#sink.hasRoom) return Promise.resolve();
    return new Promise((resolve, reject) => this.#roomWaiters.push({ resolve, reject }));
  }

  async #claimStream(): Promise<number> {
    while (this.#openStreams.size >= this.#sink.welcome.streams && !this.#sink.ended) {
      await new Promise<void>((resolve, reject) => this.#slotWaiters.push({ resolve, reject }));
    }
    if (this.#sink.ended) throw this.#sink.ended;
    do this.#lastStream = (this.#lastStream % LAST_STREAM) + 1;
    while (this.#openStreams.has(this.#lastStream));
    // Claimed before the caller comes back, so that two callers can't get one slot.
    this.#openStreams.set(this.#lastStream, { onMessage: () => undefined, onEnd: () => undefined });
    return this.#lastStream;
  }

  #releaseStream(id: number): void {
    this.#openStreams.delete(id);
    this.#sink.hasOpenRequests = this.#openStreams.size > 0;
    this.#slotWaiters.shift()?.resolve();
  }
}
