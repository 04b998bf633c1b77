/**
 * One session with a receiver, PROTOCOL.md §3 and §4, without any input or output of its own: bytes and the time
 * come in, buffers to write and events come out. A fake line and a fake clock can therefore test loss and delay.
 *
 * | state | sends | becomes |
 * |---|---|---|
 * | not begun | nothing | greeting by `greet` |
 * | greeting | HELLO every 800 ms, with the nonce as session | established by WELCOME |
 * | established | PONG, ACK, frames as the window allows; PING as liveness.ts says | ended, `lost`, by silence |
 * | ended | the RESET of `bye` | |
 *
 * A RESET, the stream's end and the caller lead from all of the others to ended.
 */
import {
  DATA_OFFSET_BYTES,
  FLAG_GAP,
  FrameType,
  HELLO_INTERVAL_MS,
  HOST_FRAME_LIMIT,
  HOST_WINDOW,
  RELIABLE_BIT,
  RESYNC_MS,
} from './constants.ts';
import { ProtocolError } from './errors.ts';
import { encodeFrame, type Frame, FrameParser } from './frame.ts';
import { Liveness } from './liveness.ts';
import { ReliableReader } from './reliableReader.ts';
import { type Outgoing, ReliableSender } from './reliableSender.ts';
import { decodeText, encodeText, type TextMessage } from './text.ts';
import { encodeHello, parseWelcome, type Welcome } from './welcome.ts';

export interface SessionEvents {
  onWelcome(welcome: Welcome): void;
  /** A CONTROL message on one of our streams. */
  onMessage(stream: number, message: TextMessage): void;
  /** A DATA frame on one of our streams; the bytes are valid only until the callback returns. */
  onData(stream: number, offset: number, bytes: Buffer): void;
  /** The session is over; called once. */
  onEnd(error: ProtocolError): void;
}

/** PONGs and the like that may wait for a blocked line; more would let a hostile guest fill our memory. */
const MAX_URGENT_FRAMES = 64;

interface Established {
  session: number;
  sender: ReliableSender;
  reader: ReliableReader;
}

export class SessionCore {
  readonly parser = new FrameParser(HOST_FRAME_LIMIT);
  ended: ProtocolError | undefined;
  readonly #events: SessionEvents;
  readonly #nonce: number;
  readonly #hello: Buffer;
  #established: Established | undefined;
  /** Unreliable frames to write before anything else. */
  #urgent: Buffer[] = [];
  #now: number;
  #lastHelloAt = Number.POSITIVE_INFINITY;
  #lastByteAt: number;
  #pingId = 0;
  readonly #liveness: Liveness;

  constructor(options: { nonce: number; agent: string; now: number; events: SessionEvents }) {
    this.#nonce = options.nonce;
    this.#events = options.events;
    this.#now = options.now;
    this.#lastByteAt = options.now;
    this.#liveness = new Liveness(options.now, () => this.#established?.sender.inFlight ?? false);
    const header = { type: FrameType.HELLO, flags: 0, stream: 0, session: this.#nonce, sequence: 0 };
    this.#hello = encodeFrame(header, encodeHello(options.agent));
  }

  /** Unsent bytes in the queue; producers wait while this is above what they think fit. */
  get queuedBytes(): number {
    return this.#established?.sender.queuedBytes ?? 0;
  }

  /** Bytes of frames that would be sent at once. */
  get room(): number {
    return this.#established?.sender.room ?? 0;
  }

  get isIdle(): boolean {
    return this.#established?.sender.isIdle ?? true;
  }

  get resentFrames(): number {
    return this.#established?.sender.resentFrames ?? 0;
  }

  /** Silence is then suspicious. */
  set hasOpenRequests(areOpen: boolean) {
    this.#liveness.hasOpenRequests = areOpen;
  }

  /** How long the receiver has owed us a word; undefined where it owes none. */
  silentMs(now: number): number | undefined {
    return this.#liveness.silentMs(now);
  }

  /** Queues a reliable frame. */
  send(outgoing: Outgoing, now: number): void {
    if (this.ended) return;
    this.noteSent(now);
    this.#established?.sender.enqueue(outgoing);
  }

  /** From now on silence counts, for something is about to be sent to the receiver, if need be by another port. */
  noteSent(now: number): void {
    this.#now = now;
    this.#liveness.noteSent(now);
  }

  /** From now on: the line is one on which HELLO can do no harm. */
  greet(): void {
    this.#lastHelloAt = Number.NEGATIVE_INFINITY;
  }

  receive(chunk: Buffer, now: number): void {
    this.#now = now;
    this.#lastByteAt = now;
    this.parser.push(chunk, this.#onFrame);
  }

  /** Does what is due at `now`. */
  tick(now: number): void {
    this.#now = now;
    if (this.ended) return;
    if (this.parser.incomplete && now - this.#lastByteAt >= RESYNC_MS) {
      this.#lastByteAt = now;
      this.parser.idle(this.#onFrame);
    }
    if (!this.#established) this.#sayHello();
    else if (now >= this.#liveness.lostAt) this.#lost();
    else if (now >= this.#liveness.nextPingAt) this.#ping();
  }

  /** When `tick` is wanted next. */
  get nextDeadline(): number {
    const resync = this.parser.incomplete ? this.#lastByteAt + RESYNC_MS : Number.POSITIVE_INFINITY;
    if (!this.#established) return Math.min(resync, this.#lastHelloAt + HELLO_INTERVAL_MS);
    return Math.min(resync, this.#liveness.lostAt, this.#liveness.nextPingAt);
  }

  /**
   * The next frame's buffers to write, or undefined when there is nothing to write now. What is small and keeps the peer
   * going comes first: PONGs and HELLOs, then the acknowledgement that is due, then data.
   */
  takeOutput(): Buffer[] | undefined {
    const urgent = this.#urgent.shift();
    if (urgent) return [urgent];
    if (this.ended || !this.#established) return undefined;
    const { reader, sender } = this.#established;
    if (reader.ackDue !== 'no') {
      const flags = reader.ackDue === 'gap' ? FLAG_GAP : 0;
      reader.acknowledged();
      return [this.#unreliable(FrameType.ACK, numbers(reader.next, HOST_WINDOW), flags)];
    }
    // The first frame after a silence starts the clock for its acknowledgement.
    if (!sender.inFlight) this.#liveness.noteProgress(this.#now);
    return sender.take();
  }

  /** Ends the session in good order: the receiver drops it at once. */
  bye(): void {
    if (this.ended) return;
    if (this.#established)
      this.#urgent.push(this.#unreliable(FrameType.RESET, encodeText('reset', { code: 'bye' })));
    this.end(new ProtocolError('closed', 'the session was closed'));
  }

  /** Ends the session from this side, for instance because the link broke. */
  end(error: ProtocolError): void {
    if (this.ended) return;
    this.ended = error;
    this.#events.onEnd(error);
  }

  /** §3.1. The same nonce each time: a receiver that gets two HELLOs answers them with one session. */
  #sayHello(): void {
    if (this.#now - this.#lastHelloAt < HELLO_INTERVAL_MS) return;
    this.#lastHelloAt = this.#now;
    this.#urgent.push(this.#hello);
  }

  #ping(): void {
    this.#liveness.notePing(this.#now);
    this.#pingId += 1;
    this.#established?.sender.notePing(this.#pingId);
    this.#urgent.push(this.#unreliable(FrameType.PING, numbers(this.#pingId)));
  }

  #lost(): void {
    this.end(new ProtocolError('lost', 'the receiver in the guest stopped answering'));
  }

  #unreliable(type: number, payload: Buffer, flags = 0): Buffer {
    const session = this.#established?.session ?? this.#nonce;
    return encodeFrame({ type, flags, stream: 0, session, sequence: 0 }, payload);
  }

  /** A frame with another number is an earlier session's: what was still on the line when this one began. */
  readonly #onFrame = (frame: Frame): void => {
    if (this.ended) return;
    if (this.#established) {
      if (frame.session === this.#established.session) this.#onSessionFrame(frame, this.#established);
    } else if (frame.session === this.#nonce) this.#onGreeting(frame);
  };

  #onGreeting(frame: Frame): void {
    const message = decodeText(frame.payload);
    if (!message) return;
    if (frame.type === FrameType.RESET) this.#onRefused(message);
    const welcome = frame.type === FrameType.WELCOME ? parseWelcome(message) : undefined;
    if (!welcome) return;
    this.#established = {
      session: welcome.session,
      sender: new ReliableSender(welcome.session, welcome.window),
      reader: new ReliableReader(HOST_WINDOW),
    };
    this.#liveness.noteHeard(this.#now);
    // §3.3: only a frame with its number makes the session the active one.
    this.#ping();
    this.#events.onWelcome(welcome);
  }

  /** §3.4. What it says of its versions comes from the guest, and is shown only if it looks like a range. */
  #onRefused(message: TextMessage): void {
    const theirs = message.fields.get('protocol')?.toString() ?? '';
    if (message.fields.get('code')?.toString() !== 'version') return;
    const range = /^\d{1,5}(-\d{1,5})?$/.test(theirs) ? `version ${theirs}` : 'another version';
    this.end(new ProtocolError('version', `the receiver in the guest speaks ${range} of the protocol`));
  }

  /** A payload that is too short for its type is ignored, as an unknown type is: later versions may know better. */
  #onSessionFrame(frame: Frame, { sender, reader }: Established): void {
    this.#liveness.noteHeard(this.#now);
    if (frame.type & RELIABLE_BIT) {
      if (reader.accept(frame) === 'take') this.#onReliable(frame);
      return;
    }
    const word = (index: number) => frame.payload.readUInt32BE(index * 4);
    const bytes = frame.payload.length;
    if (frame.type === FrameType.ACK && bytes >= 8) {
      this.#progress(sender.onAck(word(0), word(1), (frame.flags & FLAG_GAP) !== 0));
    } else if (frame.type === FrameType.PONG && bytes >= 12) {
      this.#progress(sender.onPong(word(0), word(1), word(2)));
    } else if (frame.type === FrameType.PING && bytes >= 4) {
      // A guest that asks faster than its line takes the answers gets no more of them.
      if (this.#urgent.length < MAX_URGENT_FRAMES)
        this.#urgent.push(this.#unreliable(FrameType.PONG, numbers(word(0), reader.next, HOST_WINDOW)));
    } else if (frame.type === FrameType.RESET) {
      this.#onReset(decodeText(frame.payload));
    }
  }

  #onReliable(frame: Frame): void {
    if (frame.type === FrameType.DATA) this.#onData(frame);
    const message = frame.type === FrameType.CONTROL ? decodeText(frame.payload) : undefined;
    if (message) this.#events.onMessage(frame.stream, message);
  }

  #onData({ stream, payload }: Frame): void {
    if (payload.length < DATA_OFFSET_BYTES) return;
    const offset = Number(payload.readBigUInt64BE());
    this.#events.onData(stream, offset, payload.subarray(DATA_OFFSET_BYTES));
  }

  /** §3.4: `bye`, `unknown-session` or `protocol`. Whatever it says, the receiver has forgotten the session. */
  #onReset(message: TextMessage | undefined): void {
    const code = message?.fields.get('code')?.toString();
    const what =
      code === 'unknown-session' ? 'was restarted' : code === 'bye' ? 'was stopped' : 'ended the session';
    this.end(new ProtocolError('reset', `the receiver in the guest ${what}`));
  }

  #progress(moved: boolean): void {
    if (moved) this.#liveness.noteProgress(this.#now);
  }
}

/** The payload of ACK, PING and PONG: u32 words. */
function numbers(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, index * 4);
  });
  return bytes;
}
