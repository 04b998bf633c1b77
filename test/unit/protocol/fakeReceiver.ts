/**
 * A fake of a receiver, without input or output: it speaks the frames of PROTOCOL.md and keeps what it is sent in
 * memory. It stands in where a real guest cannot be made to lose bytes or to answer at a given time.
 */
import { hash } from 'node:crypto';
import { FLAG_GAP, FrameType, RELIABLE_BIT } from '../../../src/protocol/constants.ts';
import { encodeFrame, type Frame, FrameParser } from '../../../src/protocol/frame.ts';
import { encodeKnock } from '../../../src/protocol/knock.ts';
import { ReliableReader } from '../../../src/protocol/reliableReader.ts';
import { ReliableSender } from '../../../src/protocol/reliableSender.ts';
import { decodeText, encodeText, type FieldValue, type TextMessage } from '../../../src/protocol/text.ts';
import { type FakeRecord, readRecords, timeText } from './fakeBundle.ts';
import { BrokenRule, FakePut } from './fakePut.ts';
import { signatureOf } from './signatureOf.ts';

export interface FakeReceiverOptions {
  window?: number;
  frame?: number;
  streams?: number;
  /** What WELCOME says; default `uart`. */
  device?: string;
  /** Beyond `symlink`, `mode` and `mtime`. */
  capabilities?: string[];
  /** The version range it speaks; WELCOME is only given for a range with 1 in it. */
  protocol?: string;
  /** What it says of a file's blocks, where a test wants that wrong. */
  signature?: (file: Buffer, block: number) => Buffer;
  /** Whether a bundle's record is left to the host. */
  leaves?: (path: string, record: FakeRecord) => boolean;
  /** What the answer to a `commit` says besides. */
  notes?: Record<string, FieldValue>;
  /** Answers a request instead of the fake's own way; undefined leaves it to the fake, [] stays silent. */
  answer?: (message: TextMessage, stream: number) => Answer[] | undefined;
  /** Gets the LANE frames; without it there is no such capability. */
  onLane?: (frame: Frame) => void;
}

export type Answer = [verb: string, fields: Record<string, FieldValue>];

const SESSION = 0x5eed1234;
const KNOCK = /4757(\d{10})\d{10}/g;
const KNOCK_DIGITS = 24;
const ENCODINGS = ['deflate', 'zstd'];
/** PROTOCOL.md §6, `resume`: less isn't worth keeping. */
const MIN_KEPT_BYTES = 65_536;

export class FakeReceiver {
  readonly parser: FrameParser;
  readonly window: number;
  readonly files = new Map<string, Buffer>();
  /** By path; seconds as text, as they came. */
  readonly mtimes = new Map<string, string>();
  /** What broken-off puts left, by path. */
  readonly partials = new Map<string, Buffer>();
  readonly puts: FakePut[] = [];
  /** What came in bundles, one list each. */
  readonly bundles: FakeRecord[][] = [];
  readonly compares: FakeRecord[][] = [];
  /** That bundles made. */
  readonly directories = new Set<string>();
  /** What the host did against the protocol's text. */
  readonly violations: string[] = [];
  readonly requests: string[] = [];
  knocks = 0;
  pings = 0;
  byes = 0;
  mute = false;
  /** Bytes that it has taken and still keeps: so much less is its window. */
  held = 0;
  #givenBack = 0;
  readonly #options: FakeReceiverOptions;
  readonly #reader: ReliableReader;
  readonly #sender = new ReliableSender(SESSION, 1 << 20);
  readonly #open = new Map<number, FakePut>();
  /** Of streams that are bundles or compares, what opened them. */
  readonly #bundles = new Map<number, TextMessage>();
  #urgent: Buffer[] = [];
  /** The last bytes, where a knock may have begun. */
  #recent = '';

  constructor(options: FakeReceiverOptions = {}) {
    this.#options = options;
    this.window = options.window ?? 16_384;
    this.parser = new FrameParser(options.frame ?? 16_384);
    this.#reader = new ReliableReader(this.window);
  }

  receive(chunk: Buffer): void {
    this.#answerKnocks(chunk);
    this.parser.push(chunk, this.#onFrame);
  }

  /** Each as soon as its last digit is there. */
  #answerKnocks(chunk: Buffer): void {
    this.#recent += chunk.toString('latin1');
    for (const [knock, nonce] of this.#recent.matchAll(KNOCK))
      if (encodeKnock(Number(nonce)) === knock) {
        this.knocks += 1;
        const header = { type: FrameType.HERE, flags: 0, stream: 0, session: Number(nonce), sequence: 0 };
        this.#urgent.push(encodeFrame(header));
        this.#recent = '';
      }
    this.#recent = this.#recent.slice(1 - KNOCK_DIGITS);
  }

  /** What the guest has to say now. */
  takeOutput(): Buffer[] {
    if (this.mute) return [];
    const output = this.#urgent.splice(0);
    if (this.#reader.ackDue !== 'no') {
      output.push(
        this.#unreliable(FrameType.ACK, [this.#reader.next, this.#room], this.#reader.ackDue === 'gap'),
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
        this.#unreliable(FrameType.PONG, [frame.payload.readUInt32BE(), this.#reader.next, this.#room]),
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
    if (frame.type & RELIABLE_BIT && this.#reader.accept(frame) === 'take') this.act(frame);
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
          device: this.#options.device ?? 'uart',
          port: 'fake',
          user: 'root',
          frame: this.#options.frame ?? 4_096,
          window: this.window,
          streams: this.#options.streams ?? 16,
          capabilities: ['symlink', 'mode', 'mtime', ...(this.#options.capabilities ?? [])].join(),
        })
      : this.#text(FrameType.RESET, frame.session, 'reset', { code: 'version', protocol });
    this.#urgent.push(answer);
  }

  get #room(): number {
    return Math.max(0, this.window - this.held);
  }

  /** It keeps so much less; worth an acknowledgement now and then. */
  giveBack(bytes: number): void {
    this.held -= bytes;
    this.#givenBack += bytes;
    if (this.#givenBack < this.window / 4) return;
    this.#givenBack = 0;
    if (this.#reader.ackDue === 'no') this.#reader.ackDue = 'ack';
  }

  act(frame: Frame): void {
    if (frame.type === FrameType.LANE && this.#options.onLane) {
      this.#options.onLane(frame);
      return;
    }
    if (frame.type === FrameType.DATA) {
      this.#obey(frame.stream, put => put.data(frame.flags, frame.payload));
      return;
    }
    if (frame.type === FrameType.COPY) {
      this.#obey(frame.stream, put => put.copy(frame.payload));
      return;
    }
    const message = decodeText(frame.payload);
    if (!message) throw new Error('the host sent an invalid text payload');
    this.requests.push(message.verb);
    const answers = this.#options.answer?.(message, frame.stream) ?? this.#answer(message, frame.stream);
    for (const [verb, fields] of answers) this.#say(frame.stream, verb, fields);
  }

  #say(stream: number, verb: string, fields: Record<string, FieldValue>): void {
    this.#sender.enqueue({ type: FrameType.CONTROL, stream, pieces: [encodeText(verb, fields)] });
  }

  #answer(message: TextMessage, stream: number): Answer[] {
    const path = message.fields.get('path')?.toString() ?? '';
    const open = this.#open.get(stream);
    switch (message.verb) {
      case 'put':
        return this.#put(message, path, stream);
      case 'bundle':
      case 'compare':
        return this.#bundle(message, path, stream);
      case 'commit':
        return open ? this.#commit(open, message, stream) : [];
      case 'cancel':
        return open ? this.#cancel(open, message, stream) : [];
      case 'stat':
        return [['done', this.#stat(path)]];
      case 'signature':
        return this.#signature(path, Number(message.fields.get('block')), stream);
      default:
        return [['done', { path }]];
    }
  }

  #bundle(message: TextMessage, path: string, stream: number): Answer[] {
    const encoding = message.fields.get('encoding')?.toString();
    const size = Number(message.fields.get('size'));
    this.#bundles.set(stream, message);
    this.#open.set(stream, new FakePut(path, { encoding, size, resumes: false }));
    return [['accept', { path }]];
  }

  #finishBundle({ verb, fields }: TextMessage, content: Buffer): Answer {
    const directory = fields.get('path')?.toString() ?? '';
    const records = readRecords(content, verb === 'bundle');
    (verb === 'bundle' ? this.bundles : this.compares).push(records);
    const answer = { path: directory, size: content.length, sha256: hash('sha256', content) };
    const where = (wanted: (record: FakeRecord, path: string) => boolean) =>
      records
        .flatMap((record, number) => (wanted(record, `${directory}/${record.name}`) ? [number] : []))
        .join() || undefined;
    if (verb === 'compare') {
      const isSame = (record: FakeRecord, path: string) =>
        this.files.get(path)?.length === record.size && this.mtimes.get(path) === timeText(record.mtime);
      return [
        'done',
        { ...answer, unchanged: where(isSame), absent: where((_, path) => !this.files.has(path)) },
      ];
    }
    const replaces = fields.get('conflict')?.toString() === 'overwrite';
    const left = where((record, path) => {
      if (this.#options.leaves?.(path, record)) return true;
      if (record.name.endsWith('/')) this.directories.add(path);
      else if (this.files.has(path) && !replaces) return true;
      else {
        this.files.set(path, record.content);
        this.mtimes.set(path, timeText(record.mtime));
      }
      return false;
    });
    return ['done', { ...answer, left, ...this.#options.notes }];
  }

  #commit(open: FakePut, { fields }: TextMessage, stream: number): Answer[] {
    const bundle = this.#bundles.get(stream);
    this.#close(open, stream);
    // What a commit says wrongly may be the line's fault, so it's no violation.
    try {
      const content = open.finish(fields.get('size')?.toString(), fields.get('sha256')?.toString());
      if (bundle) return [this.#finishBundle(bundle, content)];
      this.files.set(open.path, content);
      const { notes } = this.#options;
      return [['done', { path: open.path, size: content.length, sha256: hash('sha256', content), ...notes }]];
    } catch (error) {
      return [['error', { code: codeOf(error) }]];
    }
  }

  #cancel(open: FakePut, { fields }: TextMessage, stream: number): Answer[] {
    const { content } = open;
    this.#close(open, stream);
    const isKept = open.resumes && fields.get('keep')?.toString() === '1' && content.length >= MIN_KEPT_BYTES;
    if (isKept) this.partials.set(open.path, content);
    return [['error', { code: 'cancelled' }]];
  }

  /** Whatever follows on the stream is dropped. */
  #close(open: FakePut, stream: number): void {
    this.#open.delete(stream);
    this.#bundles.delete(stream);
    if (open.resumes) this.partials.delete(open.path);
  }

  /** As a receiver does, a broken rule ends the put; the test hears of it too. */
  #obey(stream: number, frame: (put: FakePut) => void): void {
    const open = this.#open.get(stream);
    if (!open) return;
    try {
      frame(open);
    } catch (error) {
      this.violations.push(String(error));
      this.#close(open, stream);
      this.#say(stream, 'error', { code: codeOf(error) });
    }
  }

  #stat(path: string): Record<string, FieldValue> {
    const file = this.files.get(path);
    return file
      ? { type: 'file', path, size: file.length, sha256: hash('sha256', file) }
      : { type: 'none', path };
  }

  #put({ fields }: TextMessage, named: string, stream: number): Answer[] {
    const field = (key: string) => fields.get(key)?.toString();
    const path = field('conflict') === 'rename' && this.files.has(named) ? `${named} (2)` : named;
    const file = this.files.get(path);
    const size = field('size') === undefined ? undefined : Number(field('size'));
    const isSame = file?.length === size && isSameTime(this.mtimes.get(path), field('mtime'));
    const refuse = (answer: Answer) => {
      this.#open.delete(stream);
      return [answer];
    };
    const encoding = field('encoding');
    const isKnown = encoding === undefined || ENCODINGS.includes(encoding);
    if (!isKnown || ![undefined, 'skip'].includes(field('unchanged')))
      return refuse(['error', { code: 'unsupported' }]);
    if (field('unchanged') === 'skip' && isSame) return refuse(['done', { path, skipped: 'unchanged' }]);
    if (file && field('conflict') === 'skip') return refuse(['done', { path, skipped: 'exists' }]);
    if (file && field('conflict') === 'fail')
      return refuse(['error', { code: 'exists', path, type: 'file', size: file.length, mtime: '1' }]);
    const basis = field('basis') ? file : undefined;
    const partial = field('resume') ? this.#partialOf(path, size) : undefined;
    const put = new FakePut(path, { encoding, size, basis, partial, resumes: field('resume') === '1' });
    this.puts.push(put);
    this.#open.set(stream, put);
    this.mtimes.set(path, field('mtime') ?? '');
    const resumed = partial && { partial: partial.length, 'partial-sha256': hash('sha256', partial) };
    return [['accept', { path, kind: 'file', basis: basis?.length, ...resumed }]];
  }

  /** The partial file a copy can go on from: not empty, and no longer than the file will be. */
  #partialOf(path: string, size = Number.POSITIVE_INFINITY): Buffer | undefined {
    const partial = this.partials.get(path);
    return partial && partial.length > 0 && partial.length <= size ? partial : undefined;
  }

  #signature(path: string, block: number, stream: number): Answer[] {
    const file = this.files.get(path);
    if (!file) return [['error', { code: 'not-found' }]];
    if (!(block >= 512 && block <= 4_194_304)) return [['error', { code: 'bad-request' }]];
    this.#say(stream, 'accept', { path, size: file.length, block });
    const signature = this.#options.signature?.(file, block) ?? signatureOf(file, block);
    for (let at = 0; at < signature.length; at += 1_200) {
      const offset = Buffer.alloc(8);
      offset.writeBigUInt64BE(BigInt(at));
      const pieces = [offset, signature.subarray(at, at + 1_200)];
      this.#sender.enqueue({ type: FrameType.DATA, stream, pieces });
    }
    return [['done', { path, size: file.length, sha256: hash('sha256', file) }]];
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

/** Anything but a broken rule is a fault of the fake's own. */
function codeOf(error: unknown): string {
  if (error instanceof BrokenRule) return error.code;
  throw error;
}

/** PROTOCOL.md §6, `unchanged`: in whole microseconds, rounded down. */
function isSameTime(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && microseconds(one) === microseconds(other);
}

function microseconds(seconds: string): bigint {
  const [, sign, whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(seconds) ?? [];
  const nanoseconds = BigInt(whole + fraction.padEnd(9, '0'));
  return sign ? -((nanoseconds + 999n) / 1_000n) : nanoseconds / 1_000n;
}
