/**
 * A fake of a receiver, without input or output: it speaks the frames of PROTOCOL.md and keeps what it is sent in
 * memory. It stands in where a real guest cannot be made to lose bytes or to answer at a given time.
 */
import { createHash } from 'node:crypto';
import { FLAG_GAP, FrameType, RELIABLE_BIT } from '../../../src/protocol/constants.ts';
import { encodeFrame, type Frame, FrameParser } from '../../../src/protocol/frame.ts';
import { ReliableReader } from '../../../src/protocol/reliableReader.ts';
import { ReliableSender } from '../../../src/protocol/reliableSender.ts';
import { decodeText, encodeText, type FieldValue, type TextMessage } from '../../../src/protocol/text.ts';

export interface FakeReceiverOptions {
  window?: number;
  frame?: number;
  streams?: number;
  /** The version range it speaks; WELCOME is only given for a range with 1 in it. */
  protocol?: string;
  /** Answers a request instead of the fake's own way; undefined leaves it to the fake, [] stays silent. */
  answer?: (message: TextMessage, stream: number) => Answer[] | undefined;
}

export type Answer = [verb: string, fields: Record<string, FieldValue>];

const SESSION = 0x5eed1234;

export class FakeReceiver {
  readonly parser: FrameParser;
  readonly window: number;
  readonly files = new Map<string, Buffer>();
  readonly requests: string[] = [];
  pings = 0;
  byes = 0;
  mute = false;
  readonly #options: FakeReceiverOptions;
  readonly #reader: ReliableReader;
  readonly #sender = new ReliableSender(SESSION, 1 << 20);
  readonly #open = new Map<number, { path: string; pieces: Buffer[]; refused: boolean }>();
  #urgent: Buffer[] = [];

  constructor(options: FakeReceiverOptions = {}) {
    this.#options = options;
    this.window = options.window ?? 16_384;
    this.parser = new FrameParser(options.frame ?? 16_384);
    this.#reader = new ReliableReader(this.window);
  }

  receive(chunk: Buffer): void {
    this.parser.push(chunk, this.#onFrame);
  }

  /** What the guest has to say now. */
  takeOutput(): Buffer[] {
    if (this.mute) return [];
    const output = this.#urgent.splice(0);
    if (this.#reader.ackDue !== 'no') {
      output.push(
        this.#unreliable(FrameType.ACK, [this.#reader.next, this.window], this.#reader.ackDue === 'gap'),
      );
      this.#reader.acknowledged();
    }
    for (let frame = this.#sender.take(); frame; frame = this.#sender.take()) output.push(...frame);
    return output;
  }

  reset(code: string): void {
    this.#urgent.push(this.#text(FrameType.RESET, SESSION, 'reset', { code }));
  }

  readonly #onFrame = (frame: Frame): void => {
    if (frame.type === FrameType.HELLO) this.#greet(frame);
    if (frame.session !== SESSION) return;
    if (frame.type === FrameType.PING) {
      this.pings += 1;
      this.#urgent.push(
        this.#unreliable(FrameType.PONG, [frame.payload.readUInt32BE(), this.#reader.next, this.window]),
      );
    }
    if (frame.type === FrameType.ACK)
      this.#sender.onAck(
        frame.payload.readUInt32BE(0),
        frame.payload.readUInt32BE(4),
        (frame.flags & FLAG_GAP) !== 0,
      );
    if (frame.type === FrameType.PONG)
      this.#sender.onPong(
        frame.payload.readUInt32BE(0),
        frame.payload.readUInt32BE(4),
        frame.payload.readUInt32BE(8),
      );
    if (frame.type === FrameType.RESET) this.byes += 1;
    if (frame.type & RELIABLE_BIT && this.#reader.accept(frame) === 'take') this.#onReliable(frame);
  };

  /** What a real receiver does by its clock when it waits for an acknowledgement. */
  probe(id: number): void {
    if (!this.#sender.inFlight) return;
    this.#sender.notePing(id);
    this.#urgent.push(this.#unreliable(FrameType.PING, [id]));
  }

  #greet(frame: Frame): void {
    const protocol = this.#options.protocol ?? '1-1';
    const answer = protocol.startsWith('1')
      ? this.#text(FrameType.WELCOME, frame.session, 'welcome', {
          protocol: 1,
          session: SESSION.toString(16),
          agent: 'fake/1',
          system: 'linux',
          separator: '/',
          device: 'uart',
          port: 'fake',
          user: 'root',
          frame: this.#options.frame ?? 4_096,
          window: this.window,
          streams: this.#options.streams ?? 16,
          capabilities: 'symlink,mode,mtime',
        })
      : this.#text(FrameType.RESET, frame.session, 'reset', { code: 'version', protocol });
    this.#urgent.push(answer);
  }

  #onReliable(frame: Frame): void {
    if (frame.type === FrameType.DATA) {
      this.#open.get(frame.stream)?.pieces.push(Buffer.from(frame.payload.subarray(8)));
      return;
    }
    const message = decodeText(frame.payload);
    if (!message) throw new Error('the host sent an invalid text payload');
    this.requests.push(message.verb);
    const answers = this.#options.answer?.(message, frame.stream) ?? this.#answer(message, frame.stream);
    for (const [verb, fields] of answers)
      this.#sender.enqueue(FrameType.CONTROL, frame.stream, [encodeText(verb, fields)]);
  }

  #answer(message: TextMessage, stream: number): Answer[] {
    const path = message.fields.get('path')?.toString() ?? '';
    const open = this.#open.get(stream);
    switch (message.verb) {
      case 'put':
        this.#open.set(stream, { path, pieces: [], refused: false });
        return [['accept', { path, kind: 'file' }]];
      case 'commit': {
        if (!open) return [];
        const content = Buffer.concat(open.pieces);
        this.#open.delete(stream);
        this.files.set(open.path, content);
        const sha256 = createHash('sha256').update(content).digest('hex');
        return [['done', { path: open.path, size: content.length, sha256 }]];
      }
      case 'cancel':
        this.#open.delete(stream);
        return open ? [['error', { code: 'cancelled' }]] : [];
      case 'stat':
        return [['done', { type: 'none', path }]];
      default:
        return [['done', { path }]];
    }
  }

  #unreliable(type: number, values: number[], gap = false): Buffer {
    const payload = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => {
      payload.writeUInt32BE(value, index * 4);
    });
    return encodeFrame(
      { type, flags: gap ? FLAG_GAP : 0, stream: 0, session: SESSION, sequence: 0 },
      payload,
    );
  }

  #text(type: number, session: number, verb: string, fields: Record<string, FieldValue>): Buffer {
    return encodeFrame({ type, flags: 0, stream: 0, session, sequence: 0 }, encodeText(verb, fields));
  }
}
