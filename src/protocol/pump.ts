/**
 * One port: carries a SessionCore's output into a Duplex and the Duplex's input into the core, and keeps the core's
 * clock; before that, on all but a channel, a Knock's. It decides nothing. Whoever owns it hears of every change and
 * calls `advance` once it has queued all it can: a session with several ports has to look at all of them before any may
 * send.
 */
import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { abortable } from '../text/abort.ts';
import { ProtocolError } from './errors.ts';
import { Knock } from './knock.ts';
import type { Outgoing } from './reliableSender.ts';
import type { FrameSink } from './requests.ts';
import { SessionCore, type SessionEvents } from './sessionCore.ts';
import type { Welcome } from './welcome.ts';

export interface PumpEvents extends Omit<SessionEvents, 'onWelcome'> {
  /** Bytes came in or went out, or time has passed. */
  onChange(): void;
}

export interface PumpOptions {
  /** What HELLO says of us, for the receiver's log. */
  readonly agent?: string | undefined;
  /**
   * The stream is a virtio channel, at whose other end nobody but a receiver can be. Everything else may have a shell or
   * a login there, so it's knocked at before HELLO.
   */
  readonly isChannel?: boolean | undefined;
}

export interface GreetOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for WELCOME, knocking included. */
  readonly timeoutMs?: number | undefined;
}

/** Five knocks or HELLOs and their answers, on a line that loses some of them. */
const DEFAULT_HANDSHAKE_MS = 6_000;
/** How long the last bytes of a closing session may take before the stream is cut. */
const CLOSE_MS = 1_000;
/**
 * Bytes handed to the stream but not yet written: enough to let it merge writes into large packets (libvirt's hold
 * 256 KiB), and little enough that an acknowledgement needn't wait behind much of it.
 */
const STREAM_BACKLOG_BYTES = 512 * 1_024;

export class Pump implements FrameSink {
  readonly core: SessionCore;
  /** Bytes that went over the port, both directions, with all overhead. */
  wireBytes = 0;
  readonly #stream: Duplex;
  readonly #events: PumpEvents;
  readonly #established = Promise.withResolvers<void>();
  #knock: Knock | undefined;
  #welcome: Welcome | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(stream: Duplex, events: PumpEvents, { agent, isChannel }: PumpOptions = {}) {
    this.#stream = stream;
    this.#events = events;
    const nonce = randomInt(1, 2 ** 32);
    const now = performance.now();
    this.core = new SessionCore({
      nonce,
      agent: agent ?? 'guestwire',
      now,
      events: {
        onWelcome: welcome => this.#onWelcome(welcome),
        onMessage: (id, message) => events.onMessage(id, message),
        onData: (id, offset, bytes) => events.onData(id, offset, bytes),
        onEnd: error => this.#onEnd(error),
      },
    });
    if (isChannel) this.core.greet();
    else this.#knock = new Knock(nonce, now);
    // Whoever gives up before the greeting is over doesn't look at this promise.
    this.#established.promise.catch(() => undefined);
    stream.on('data', this.#onData);
    stream.on('error', this.#onStreamError);
    stream.on('close', this.#onStreamClose);
    stream.on('end', this.#onStreamClose);
    this.advance();
  }

  /** What the receiver said of itself; only after `greet`. */
  get welcome(): Welcome {
    if (!this.#welcome) throw new Error('the session is not established');
    return this.#welcome;
  }

  get ended(): ProtocolError | undefined {
    return this.core.ended;
  }

  get hasRoom(): boolean {
    return this.core.queuedBytes < (this.#welcome?.window ?? 0);
  }

  set hasOpenRequests(areOpen: boolean) {
    this.core.hasOpenRequests = areOpen;
  }

  /**
   * Resolves when the receiver has answered HELLO.
   *
   * @throws ProtocolError `no-receiver`, `occupied`, `version` or `closed`, or an AbortError; the stream is then
   * destroyed, or ends in order first where a knock has to be erased.
   */
  async greet({ signal, timeoutMs = DEFAULT_HANDSHAKE_MS }: GreetOptions): Promise<void> {
    const silence = new ProtocolError('no-receiver', 'no receiver answered');
    const timer = setTimeout(() => this.destroy(silence), timeoutMs);
    try {
      await abortable(this.#established.promise, signal);
    } catch (error) {
      this.destroy(new ProtocolError('closed', 'the session was given up'));
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  enqueue(outgoing: Outgoing): void {
    this.core.send(outgoing, performance.now());
  }

  /** Writes what can be written, and sets the clock anew. */
  advance(): void {
    this.#writeOutput();
    this.#schedule();
  }

  /** Ends the session in good order and closes the stream; never takes much more than a second. */
  async close(): Promise<void> {
    if (this.core.ended) return;
    this.core.bye();
    this.advance();
    await this.#finish();
  }

  /** Ends the session at once. */
  destroy(error: ProtocolError): void {
    this.core.end(error);
    this.#letGo();
  }

  /**
   * Closes the stream, which nobody else does.
   *
   * @param inOrder - what is still to be said is written first: what a knock typed, for one, must not stay there
   */
  #letGo(inOrder = this.#knock?.hasKnocked): void {
    if (this.#stream.writableEnded || this.#stream.destroyed) return;
    this.#knock?.leave();
    this.#writeOutput();
    if (inOrder) void this.#finish();
    else this.#stream.destroy();
  }

  async #finish(): Promise<void> {
    const closed = new Promise<void>(resolve => {
      if (this.#stream.closed) resolve();
      else this.#stream.once('close', resolve);
    });
    const timer = setTimeout(() => this.#stream.destroy(), CLOSE_MS);
    this.#stream.end(() => this.#stream.destroy());
    await closed;
    clearTimeout(timer);
  }

  /** What keeps the clock and has the word. */
  get #speaker(): Knock | SessionCore {
    return this.#knock ?? this.core;
  }

  #settleKnock(): void {
    const outcome = this.#knock?.outcome;
    if (outcome === undefined || this.core.ended) return;
    if (outcome === 'here') {
      this.#knock = undefined;
      this.core.greet();
    } else this.destroy(new ProtocolError('occupied', `not a receiver: ${outcome}`, { occupant: outcome }));
  }

  #onWelcome(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#established.resolve();
  }

  #onEnd(error: ProtocolError): void {
    this.#established.reject(error);
    clearTimeout(this.#timer);
    this.#events.onEnd(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.core.ended) return;
    this.wireBytes += chunk.length;
    this.#speaker.receive(chunk, performance.now());
    this.#settleKnock();
    if (this.core.ended) this.#letGo(true);
    this.#events.onChange();
  };

  readonly #onStreamError = (cause: Error): void => {
    this.core.end(new ProtocolError('closed', 'the link to the guest broke', { cause }));
  };

  readonly #onStreamClose = (): void => {
    this.core.end(new ProtocolError('closed', 'the link to the guest was closed'));
    this.#stream.destroy();
  };

  #writeOutput(): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#stream.cork();
    while (this.#stream.writableLength < STREAM_BACKLOG_BYTES) {
      const buffers = this.#speaker.takeOutput();
      if (!buffers) break;
      buffers.forEach((buffer, index) => {
        this.wireBytes += buffer.length;
        this.#stream.write(buffer, index === buffers.length - 1 ? this.#onWritten : undefined);
      });
    }
    this.#stream.uncork();
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (!error) this.#events.onChange();
  };

  #schedule(): void {
    if (this.core.ended) return;
    const deadline = this.#speaker.nextDeadline;
    // A timer that is too early only looks again; setting it anew for every frame would cost more.
    if (this.#timerAt <= deadline) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    this.#timer = setTimeout(this.#onTimer, Math.max(0, deadline - performance.now()) + 1);
  }

  readonly #onTimer = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#speaker.tick(performance.now());
    this.#settleKnock();
    if (this.core.ended) this.#letGo();
    this.#events.onChange();
  };
}
