/**
 * A session over a real byte stream: pumps SessionCore's output into a Duplex and its input out of it, keeps its
 * clock, and offers the requests of PROTOCOL.md §5 as promises.
 */
import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { abortable } from '../text/abort.ts';
import { FrameType } from './constants.ts';
import { ProtocolError } from './errors.ts';
import { isLaneable, type LaneEnd, type LaneOptions, Lanes } from './lanes.ts';
import { PutStream } from './putStream.ts';
import type { Outgoing } from './reliableSender.ts';
import { type Reply, toRemoteError, toReply } from './reply.ts';
import { SessionCore } from './sessionCore.ts';
import { SignatureStream } from './signatureStream.ts';
import { encodeText, type FieldValue, type TextMessage } from './text.ts';
import type { Welcome } from './welcome.ts';

export interface OpenOptions {
  signal?: AbortSignal;
  /** How long to wait for WELCOME, ms. */
  timeoutMs?: number;
  /** What HELLO says of us, for the receiver's log. */
  agent?: string;
}

const DEFAULT_HANDSHAKE_MS = 5_000;
/** How long the last bytes of a closing session may take before the stream is cut. */
const CLOSE_MS = 1_000;
/** Bytes handed to the stream but not yet written; enough to let it merge writes into large packets. */
const STREAM_BACKLOG_BYTES = 512 * 1_024;
const LAST_STREAM = 0xffff;

/**
 * Greets whoever is at the other end of the stream.
 *
 * @throws ProtocolError `no-receiver`, `version` or `closed`, or an AbortError; the stream is then destroyed.
 */
export async function openSession(stream: Duplex, options: OpenOptions = {}): Promise<Session> {
  const session = new Session(stream, options.agent ?? 'guestwire');
  const timeoutMs = options.timeoutMs ?? DEFAULT_HANDSHAKE_MS;
  const silence = new ProtocolError('no-receiver', 'no receiver answered');
  const timer = setTimeout(() => session.destroy(silence), timeoutMs);
  try {
    await abortable(session.established, options.signal);
    return session;
  } catch (error) {
    session.destroy(new ProtocolError('closed', 'the session was given up'));
    throw error;
  } finally {
    clearTimeout(timer);
  }
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

/** Whoever looks after a session that has become a lane of another. */
interface Keeper {
  onChange(): void;
  onEnd(): void;
}

export class Session {
  /** Resolves when WELCOME has come. */
  readonly established: Promise<void>;
  #wireBytes = 0;
  readonly #stream: Duplex;
  readonly #core: SessionCore;
  #welcome: Welcome | undefined;
  readonly #openStreams = new Map<number, OpenStream>();
  #lastStream = 0;
  #slotWaiters: Waiter[] = [];
  #roomWaiters: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #lanes: Lanes | undefined;
  #keeper: Keeper | undefined;

  constructor(stream: Duplex, agent: string) {
    this.#stream = stream;
    const settled = Promise.withResolvers<void>();
    this.established = settled.promise;
    this.#core = new SessionCore({
      nonce: randomInt(1, 2 ** 32),
      agent,
      now: performance.now(),
      events: {
        onWelcome: welcome => {
          this.#welcome = welcome;
          settled.resolve();
        },
        onMessage: (id, message) => this.#openStreams.get(id)?.onMessage(message),
        onData: (id, offset, bytes) => this.#openStreams.get(id)?.onData?.(offset, bytes),
        onEnd: error => {
          settled.reject(error);
          this.#onEnd(error);
        },
      },
    });
    // Whoever closes a session early need not also handle this promise.
    this.established.catch(() => undefined);
    stream.on('data', this.#onData);
    stream.on('error', this.#onStreamError);
    stream.on('close', this.#onStreamClose);
    stream.on('end', this.#onStreamClose);
    this.#advance();
  }

  get welcome(): Welcome {
    if (!this.#welcome) throw new Error('the session is not established');
    return this.#welcome;
  }

  get ended(): ProtocolError | undefined {
    return this.#core.ended;
  }

  /** Bytes that went over the link and its lanes, both directions, with all overhead. */
  get wireBytes(): number {
    return this.#wireBytes + (this.#lanes?.wireBytes ?? 0);
  }

  /** Frames that had to be sent again so far. */
  get resentFrames(): number {
    return this.#core.resentFrames + (this.#lanes?.resentFrames ?? 0);
  }

  /** Ports that are used side by side now. */
  get lanes(): number {
    return this.#lanes?.inUse ?? 1;
  }

  /** Allows further ports of the same receiver for what is large, where the receiver can do that and it is faster. */
  useLanes(options: LaneOptions): void {
    if (this.#lanes || options.openers.length === 0 || !isLaneable(this)) return;
    this.#lanes = new Lanes({ session: this, end: this.#end() }, options, openSession);
  }

  /** Makes this a lane of another session, which from now on hears of everything and does what is to be done. */
  attach(keeper: Keeper): LaneEnd {
    this.#keeper = keeper;
    return this.#end();
  }

  /**
   * One request with one answer.
   *
   * @throws RemoteError when the receiver refuses, ProtocolError when the session ends first, RangeError when a path
   * is too long for the protocol.
   */
  async request(verb: string, fields: Record<string, FieldValue>): Promise<Reply> {
    const payload = encodeText(verb, fields);
    const id = await this.#claimStream();
    try {
      return await new Promise((resolve, reject) => {
        const onMessage = (message: TextMessage) => {
          if (message.verb === 'done') resolve(toReply(message));
          else if (message.verb === 'error') reject(toRemoteError(message));
        };
        this.#openStreams.set(id, { onMessage, onEnd: reject });
        this.#send({ type: FrameType.CONTROL, stream: id, pieces: [payload] });
      });
    } finally {
      this.#releaseStream(id);
    }
  }

  /**
   * Opens a `put`, or one of the requests that are sent like it; the caller sends data and ends it by `commit` or
   * `cancel`. Errors as in `request`.
   */
  async put(
    fields: Record<string, FieldValue>,
    verb: 'put' | 'bundle' | 'compare' = 'put',
  ): Promise<PutStream> {
    const payload = encodeText(verb, fields);
    const id = await this.#claimStream();
    const put = new PutStream({
      send: outgoing => this.#send({ ...outgoing, stream: id }),
      release: () => this.#releaseStream(id),
      room: () => this.#room(),
    });
    this.#openStreams.set(id, put);
    this.#send({ type: FrameType.CONTROL, stream: id, pieces: [payload] });
    return put;
  }

  /**
   * Asks for the checksums of a file's blocks. Errors as in `request`, in the stream's `result`.
   *
   * @param onData - gets the signature's bytes, valid only until it returns, and their offset, not yet checked
   */
  async signature(
    fields: { path: string; block: number },
    onData: (offset: number, bytes: Buffer) => void,
  ): Promise<SignatureStream> {
    const payload = encodeText('signature', fields);
    const id = await this.#claimStream();
    const send = (pieces: Buffer[]) => this.#send({ type: FrameType.CONTROL, stream: id, pieces });
    const stream = new SignatureStream({ send, release: () => this.#releaseStream(id) }, onData);
    this.#openStreams.set(id, stream);
    send([payload]);
    return stream;
  }

  /** Ends the session in good order and closes the stream; never takes much more than a second. */
  async close(): Promise<void> {
    if (this.#core.ended) return;
    const lanesClosed = this.#lanes?.close();
    this.#core.bye();
    this.#advance();
    const closed = new Promise<void>(resolve => {
      if (this.#stream.closed) resolve();
      else this.#stream.once('close', resolve);
    });
    const timer = setTimeout(() => this.#stream.destroy(), CLOSE_MS);
    this.#stream.end(() => this.#stream.destroy());
    await closed;
    clearTimeout(timer);
    await lanesClosed;
  }

  /** Ends the session at once. */
  destroy(error: ProtocolError): void {
    this.#core.end(error);
    this.#stream.destroy();
  }

  #send(outgoing: Outgoing): void {
    const now = performance.now();
    if (this.#lanes?.isBegun) {
      this.#core.expect(now);
      this.#lanes.send(outgoing);
    } else this.#core.send(outgoing, now);
    this.#core.waiting = this.#openStreams.size > 0;
    this.#advance();
  }

  /** Resolves when the queue has room for more data. */
  #room(): Promise<void> {
    if (this.#core.ended) return Promise.reject(this.#core.ended);
    if (this.#hasRoom) return Promise.resolve();
    return new Promise((resolve, reject) => this.#roomWaiters.push({ resolve, reject }));
  }

  /** As much as goes out at once may wait. */
  get #hasRoom(): boolean {
    const queuedBytes = this.#core.queuedBytes + (this.#lanes?.queuedBytes ?? 0);
    return queuedBytes < (this.#welcome?.window ?? 0) * this.lanes;
  }

  async #claimStream(): Promise<number> {
    while (this.#openStreams.size >= this.welcome.streams && !this.#core.ended) {
      await new Promise<void>((resolve, reject) => this.#slotWaiters.push({ resolve, reject }));
    }
    if (this.#core.ended) throw this.#core.ended;
    do this.#lastStream = (this.#lastStream % LAST_STREAM) + 1;
    while (this.#openStreams.has(this.#lastStream));
    // Claimed before the caller comes back, so that two callers cannot get one slot.
    this.#openStreams.set(this.#lastStream, { onMessage: () => undefined, onEnd: () => undefined });
    return this.#lastStream;
  }

  #releaseStream(id: number): void {
    this.#openStreams.delete(id);
    this.#core.waiting = this.#openStreams.size > 0;
    this.#slotWaiters.shift()?.resolve();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#wireBytes += chunk.length;
    this.#core.receive(chunk, performance.now());
    this.#advance();
  };

  readonly #onStreamError = (cause: Error): void => {
    this.#core.end(new ProtocolError('closed', 'the link to the guest broke', { cause }));
  };

  readonly #onStreamClose = (): void => {
    this.#core.end(new ProtocolError('closed', 'the link to the guest was closed'));
    this.#stream.destroy();
  };

  /** After anything happened; lanes have to be looked at together. */
  #advance(): void {
    this.#keeper?.onChange();
    this.#lanes?.advance();
    this.#pump();
  }

  #end(): LaneEnd {
    return { core: this.#core, pump: () => this.#pump() };
  }

  /** Write what can be written, wake who waits, set the clock. */
  #pump(): void {
    this.#writeOutput();
    if (this.#hasRoom) {
      for (const waiter of this.#roomWaiters.splice(0)) waiter.resolve();
    }
    this.#schedule();
  }

  #writeOutput(): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#stream.cork();
    while (this.#stream.writableLength < STREAM_BACKLOG_BYTES) {
      const buffers = this.#core.takeOutput();
      if (!buffers) break;
      buffers.forEach((buffer, index) => {
        this.#wireBytes += buffer.length;
        this.#stream.write(buffer, index === buffers.length - 1 ? this.#onWritten : undefined);
      });
    }
    this.#stream.uncork();
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (!error) this.#advance();
  };

  #schedule(): void {
    if (this.#core.ended) return;
    const deadline = this.#core.nextDeadline;
    // A timer that is too early only looks again; setting it anew for every frame would cost more.
    if (this.#timerAt <= deadline) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    this.#timer = setTimeout(this.#onTimer, Math.max(0, deadline - performance.now()) + 1);
  }

  readonly #onTimer = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#core.tick(performance.now());
    if (this.#core.ended) this.#stream.destroy();
    this.#advance();
  };

  #onEnd(error: ProtocolError): void {
    clearTimeout(this.#timer);
    this.#lanes?.destroy(error);
    this.#keeper?.onEnd();
    for (const open of [...this.#openStreams.values()]) open.onEnd(error);
    for (const waiter of [...this.#slotWaiters.splice(0), ...this.#roomWaiters.splice(0)])
      waiter.reject(error);
  }
}
