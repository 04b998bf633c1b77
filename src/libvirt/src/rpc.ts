/**
 * One transport speaking libvirt's RPC: calls, events, at most one stream, keepalive.
 * Knows procedures only by number.
 *
 * | a packet of | goes to |
 * |---|---|
 * | program keepalive | `#onKeepalive`: a PING is answered at once, a PONG ends a stall |
 * | type reply | the call with its serial |
 * | type event | `onEvent` |
 * | type stream | the stream whose call had its serial |
 *
 * A packet that fits none of these ends the connection: after it nothing the other side says can be trusted.
 */
import {
  KEEPALIVE_PING,
  KEEPALIVE_PONG,
  PROGRAM_KEEPALIVE,
  PROGRAM_REMOTE,
  STATUS_ERROR,
  STATUS_OK,
  TYPE_CALL,
  TYPE_EVENT,
  TYPE_REPLY,
  TYPE_STREAM,
} from './constants.ts';
import { abortError, closedError, LibvirtError, protocolError, silenceError } from './errors.ts';
import { Keepalive, type KeepaliveTimes } from './keepalive.ts';
import { encodeHeader, type PacketHeader, PacketParser } from './packet.ts';
import {
  type Decode,
  PendingCalls,
  type RpcCallOptions,
  readWholeError,
  type Ticket,
} from './pendingCalls.ts';
import type { Transport } from './transport.ts';
import { XdrReader } from './xdr.ts';

export interface StreamSink {
  onData(bytes: Buffer): void;
  /** The device has no more to say. */
  onEnd(): void;
  /** The daemon confirmed our finish or our abort. */
  onFinished(): void;
  /** The daemon ended the stream, with its own error. Nothing follows. */
  onRefused(error: LibvirtError): void;
  /** The connection is gone. Nothing follows. */
  onError(error: LibvirtError): void;
  /** Whether the daemon leaves a ping of ours unanswered. */
  onStalled(stalled: boolean): void;
}

/** How often the keepalive is looked at; its shortest time is four times that. */
const TICK_MS = 500;
/** A helper that has ended its output but not itself isn't waited for longer. */
const LAST_WORDS_TIMEOUT_MS = 1_000;

export class RpcConnection {
  /** Called for each event; a LibvirtError thrown here drops the connection. */
  onEvent: (procedure: number, reader: XdrReader) => void = () => {};

  readonly #transport: Transport;
  readonly #parser: PacketParser;
  readonly #calls = new PendingCalls();
  #stream: (Ticket & { readonly sink: StreamSink }) | undefined;
  readonly #writing = new Set<(error?: Error) => void>();
  #closed = false;
  #closeReason: LibvirtError | undefined;
  #onClose: ((error?: LibvirtError) => void) | undefined;
  #readingPaused = false;
  #stalled = false;
  #keepalive: Keepalive | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#parser = new PacketParser({
      onPacket: (header, payload) => this.#onPacket(header, payload),
      onStreamBytes: (header, bytes) => this.#streamOf(header)?.onData(bytes),
    });
    const { readable, writable } = transport;
    readable.on('data', (chunk: Buffer) => this.#onBytes(chunk));
    readable.on('end', () => void this.#onTransportEnd());
    readable.on('close', () => void this.#onTransportEnd());
    readable.on('error', cause => void this.#onTransportEnd(cause));
    if ((writable as unknown) !== readable) {
      writable.on('error', cause => void this.#onTransportEnd(cause));
    }
    if (readable.destroyed) void this.#onTransportEnd(readable.errored);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Called once, also if it is too late already; without an error when `close()` was called without one. */
  onceClosed(listener: (error?: LibvirtError) => void): void {
    if (this.#closed) listener(this.#closeReason);
    else this.#onClose = listener;
  }

  get readOnly(): boolean {
    return this.#transport.readOnly;
  }

  async call<T>(
    procedure: number,
    payload: Buffer,
    decode: Decode<T>,
    options: RpcCallOptions = {},
  ): Promise<T> {
    if (options.signal?.aborted) throw abortError();
    if (this.#closed) throw closedError();
    return this.#calls.add(procedure, decode, options, ticket =>
      this.#send({ program: PROGRAM_REMOTE, ...ticket, type: TYPE_CALL, status: STATUS_OK }, payload),
    );
  }

  /** From the moment at which the call's reply is read: data may stand right behind it in the same chunk. */
  attachStream(ticket: Ticket, sink: StreamSink): void {
    this.#stream = { ...ticket, sink };
  }

  /** Ready-made packets, handed to the socket in one piece. `done` comes once, when the kernel has taken them. */
  sendPackets(parts: readonly Buffer[], done: (error?: Error) => void): void {
    const last = parts.length - 1;
    if (this.#closed || last < 0) {
      done(this.#closed ? closedError() : undefined);
      return;
    }
    const { writable } = this.#transport;
    // Not left to the transport alone: one that is destroyed in mid-write need not call back.
    this.#writing.add(done);
    const onWritten = (cause?: Error | null) => {
      if (cause) void this.#onTransportEnd(cause);
      else if (this.#writing.delete(done)) done();
    };
    writable.cork();
    parts.forEach((part, index) => {
      if (index === last) writable.write(part, onWritten);
      else writable.write(part);
    });
    writable.uncork();
  }

  sendStreamStatus(ticket: Ticket, status: number): void {
    this.#send({ program: PROGRAM_REMOTE, ...ticket, type: TYPE_STREAM, status });
  }

  /** Stops everything that comes in, pongs included; `#tick` knows. */
  pauseReading(): void {
    this.#readingPaused = true;
    this.#transport.readable.pause();
  }

  resumeReading(): void {
    if (!this.#readingPaused) return;
    this.#readingPaused = false;
    this.#transport.readable.resume();
  }

  /** Only after the daemon has agreed to the keepalive feature: it drops a client that pings unasked. */
  startKeepalive(times: KeepaliveTimes): void {
    this.#keepalive = new Keepalive(times, performance.now());
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** At once and for good. Whatever waits is told why: calls, the stream, writes, and last the owner. */
  close(error?: LibvirtError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeReason = error;
    clearInterval(this.#timer);
    this.#parser.stop();
    this.#transport.destroy();
    const reason = error ?? closedError();
    this.#calls.rejectAll(reason);
    this.#stream?.sink.onError(reason);
    this.#stream = undefined;
    for (const done of this.#writing) done(closedError());
    this.#writing.clear();
    this.#onClose?.(error);
  }

  #send(header: PacketHeader, payload?: Buffer): void {
    const bytes = payload?.length ?? 0;
    const parts = [encodeHeader(header, bytes)];
    if (payload !== undefined && bytes > 0) parts.push(payload);
    this.sendPackets(parts, () => undefined);
  }

  /** src/rpc/virkeepalive.c: both kinds are events, without payload or serial. */
  #sendKeepalive(procedure: number): void {
    this.#send({ program: PROGRAM_KEEPALIVE, procedure, type: TYPE_EVENT, serial: 0, status: STATUS_OK });
  }

  #onBytes(chunk: Buffer): void {
    this.#keepalive?.onPacket(performance.now());
    try {
      this.#parser.push(chunk);
    } catch (error) {
      // Anything else is a fault of a listener of ours, and none of the daemon's.
      if (!(error instanceof LibvirtError)) throw error;
      this.close(error);
    }
  }

  #onPacket(header: PacketHeader, payload: Buffer): void {
    if (header.program === PROGRAM_KEEPALIVE) this.#onKeepalive(header.procedure);
    else if (header.type === TYPE_REPLY) this.#calls.settle(header, payload);
    else if (header.type === TYPE_EVENT) this.onEvent(header.procedure, new XdrReader(payload));
    else this.#onStreamPacket(header, payload);
  }

  #onKeepalive(procedure: number): void {
    if (procedure === KEEPALIVE_PING) {
      this.#sendKeepalive(KEEPALIVE_PONG);
    } else if (procedure === KEEPALIVE_PONG) {
      this.#keepalive?.onPong(performance.now());
      this.#setStalled(false);
    } else {
      throw protocolError(`the unknown keepalive message ${procedure}`);
    }
  }

  /** All that isn't data: the daemon's error, its answer to our goodbye, or the end of what the device says. */
  #onStreamPacket(header: PacketHeader, payload: Buffer): void {
    const sink = this.#streamOf(header);
    if (sink === undefined) return;
    if (header.status === STATUS_ERROR) {
      const error = readWholeError(new XdrReader(payload));
      this.#stream = undefined;
      sink.onRefused(error);
    } else if (payload.length > 0) {
      throw protocolError('the end of a stream with a payload');
    } else if (header.status === STATUS_OK) {
      this.#stream = undefined;
      sink.onFinished();
    } else {
      sink.onEnd();
    }
  }

  /** Undefined after the stream ended: what was under way then is of no use any more. */
  #streamOf(header: PacketHeader): StreamSink | undefined {
    const stream = this.#stream;
    if (stream === undefined) {
      if (this.#calls.wasIssued(header.serial)) return undefined;
    } else if (stream.serial === header.serial && stream.procedure === header.procedure) {
      return stream.sink;
    }
    throw protocolError('data of a stream that was never opened');
  }

  #tick(): void {
    const now = performance.now();
    const verdict = this.#keepalive?.tick(now);
    if (this.#readingPaused && verdict !== 'quiet') {
      // The daemon's pings wait unread behind the data. An unasked pong counts as a sign of life for it
      // (src/rpc/virkeepalive.c: any message resets the countdown) and asks for no answer.
      this.#sendKeepalive(KEEPALIVE_PONG);
      this.#keepalive?.excuse(now);
    } else if (verdict === 'ping') this.#sendKeepalive(KEEPALIVE_PING);
    else if (verdict === 'late') this.#setStalled(true);
    else if (verdict === 'dead') this.close(silenceError());
  }

  #setStalled(stalled: boolean): void {
    if (this.#stalled === stalled) return;
    this.#stalled = stalled;
    this.#stream?.sink.onStalled(stalled);
  }

  /** Any of the transport's events may be the first to tell, and others follow; `close` counts only one. */
  async #onTransportEnd(cause?: unknown): Promise<void> {
    if (this.#closed) return;
    // Given time: the reason a helper prints comes on another pipe than the end of its output.
    const words = await Promise.race([
      this.#transport.lastWords?.(),
      new Promise<undefined>(resolve => setTimeout(resolve, LAST_WORDS_TIMEOUT_MS, undefined).unref()),
    ]);
    const reason = words === undefined ? '' : `: ${words}`;
    this.close(
      new LibvirtError('connection-lost', `libvirt's daemon closed the connection${reason || '.'}`, {
        cause,
      }),
    );
  }
}
