import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameType, HELLO_INTERVAL_MS, LOST_MS } from '../../../src/protocol/constants.ts';
import type { ProtocolError } from '../../../src/protocol/errors.ts';
import { SessionCore } from '../../../src/protocol/sessionCore.ts';
import type { TextMessage } from '../../../src/protocol/text.ts';
import { encodeText } from '../../../src/protocol/text.ts';
import type { Welcome } from '../../../src/protocol/welcome.ts';
import { randomChunks, seededRandom } from '../../support/random.ts';
import { FakeReceiver, type FakeReceiverOptions } from './fakeReceiver.ts';

const NONCE = 0x0badcafe;
const STEP_MS = 5;

/** What a fake line does to one direction's bytes; the default is a clean one. */
type Line = (chunk: Buffer) => Buffer[];
const clean: Line = chunk => [chunk];

/** A host core and a fake receiver on a fake line with a fake clock. */
class Bench {
  now = 1_000;
  readonly receiver: FakeReceiver;
  readonly core: SessionCore;
  readonly messages: Array<{ stream: number; message: TextMessage }> = [];
  welcome: Welcome | undefined;
  ended: ProtocolError | undefined;
  hostFrames = 0;
  toGuest: Line = clean;
  toHost: Line = clean;
  #silentSince = 0;
  #probe = 0;

  constructor(options: FakeReceiverOptions = {}) {
    this.receiver = new FakeReceiver(options);
    this.core = new SessionCore({
      nonce: NONCE,
      agent: 'test',
      now: this.now,
      events: {
        onWelcome: welcome => {
          this.welcome = welcome;
        },
        onMessage: (stream, message) => this.messages.push({ stream, message }),
        onData: () => undefined,
        onEnd: error => {
          this.ended = error;
        },
      },
    });
    this.core.greet();
  }

  /** Lets both sides exchange what they have, then the time pass. */
  step(): void {
    if (this.now >= this.core.nextDeadline) this.core.tick(this.now);
    for (let frame = this.core.takeOutput(); frame; frame = this.core.takeOutput()) {
      this.hostFrames += 1;
      for (const piece of this.toGuest(Buffer.concat(frame))) this.receiver.receive(piece);
    }
    const output = this.receiver.takeOutput();
    for (const piece of output.flatMap(this.toHost)) this.core.receive(piece, this.now);
    this.#receiverClock(output.length > 0);
    this.now += STEP_MS;
  }

  runUntil(done: () => boolean, limitMs: number): void {
    const end = this.now + limitMs;
    while (!done()) {
      assert.ok(this.now < end, `not done after ${limitMs} ms of the fake clock`);
      this.step();
    }
  }

  run(forMs: number): void {
    for (const end = this.now + forMs; this.now < end; ) this.step();
  }

  sendPut(content: Buffer, pieceBytes: number): void {
    const send = (type: number, pieces: Buffer[]) => this.core.send({ type, stream: 1, pieces }, this.now);
    send(FrameType.CONTROL, [encodeText('put', { path: '/f' })]);
    for (let at = 0; at < content.length; at += pieceBytes) {
      const offset = Buffer.alloc(8);
      offset.writeBigUInt64BE(BigInt(at));
      send(FrameType.DATA, [offset, content.subarray(at, at + pieceBytes)]);
    }
    send(FrameType.CONTROL, [encodeText('commit', {})]);
    this.core.hasOpenRequests = true;
  }

  /** The receiver's own probe and resynchronisation, coarse but by the same rules. */
  #receiverClock(spoke: boolean): void {
    if (spoke) this.#silentSince = this.now;
    if (this.now - this.#silentSince < 600) return;
    this.#silentSince = this.now;
    this.receiver.probe(++this.#probe);
    this.receiver.parser.idle(() => undefined);
  }
}

const content = Buffer.from(Array.from({ length: 60_000 }, (_, index) => (index * 7919) & 0xff));

describe('SessionCore', () => {
  it('greets until it is answered, then pings once', () => {
    const bench = new Bench();
    bench.toGuest = () => [];
    bench.run(3 * HELLO_INTERVAL_MS);
    assert.equal(bench.hostFrames, 3);
    bench.toGuest = clean;
    bench.runUntil(() => bench.welcome !== undefined, 1_000);
    bench.run(50);
    assert.equal(bench.receiver.pings, 1);
    assert.equal(bench.welcome?.window, 16_384);
  });

  it('reports a receiver of another version', () => {
    const bench = new Bench({ protocol: '2-3' });
    bench.runUntil(() => bench.ended !== undefined, 1_000);
    assert.equal(bench.ended?.code, 'version');
    assert.match(bench.ended?.message ?? '', /version 2-3/);
  });

  it('sends nothing twice on a clean line, however slow the answers', () => {
    const bench = new Bench();
    bench.runUntil(() => bench.welcome !== undefined, 1_000);
    bench.sendPut(content, 4_000);
    bench.receiver.mute = true;
    bench.run(5_000);
    bench.receiver.mute = false;
    bench.runUntil(() => bench.core.isIdle, 5_000);
    assert.equal(bench.core.resentFrames, 0);
    assert.deepEqual(bench.receiver.files.get('/f'), content);
  });

  it('never has more under way than the window', () => {
    const bench = new Bench({ window: 10_000 });
    bench.runUntil(() => bench.welcome !== undefined, 1_000);
    let underWay = 0;
    let most = 0;
    bench.toGuest = chunk => {
      underWay += chunk.length;
      most = Math.max(most, underWay);
      return [chunk];
    };
    bench.toHost = chunk => {
      underWay = 0;
      return [chunk];
    };
    bench.sendPut(content, 1_500);
    bench.runUntil(() => bench.core.isIdle, 10_000);
    assert.ok(most > 7_500 && most <= 10_000, `${most} bytes under way`);
  });

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`brings everything over a line that loses, garbles and adds bytes (seed ${seed})`, () => {
      const bench = new Bench();
      bench.runUntil(() => bench.welcome !== undefined, 1_000);
      const random = seededRandom(seed);
      const lossy: Line = chunk =>
        randomChunks(chunk, random, 2_000).flatMap(piece => {
          const dice = random();
          if (dice < 0.02) return [];
          if (dice < 0.04) return [piece, Buffer.from('[   12.345678] random: crng init done\r\n')];
          if (dice > 0.06) return [piece];
          const garbled = Buffer.from(piece);
          const victim = Math.floor(random() * garbled.length);
          garbled.writeUInt8(garbled.readUInt8(victim) ^ 0x55, victim);
          return [garbled];
        });
      bench.toGuest = lossy;
      bench.toHost = lossy;
      bench.sendPut(content, 1_000);
      const answered = () => bench.messages.some(({ message }) => message.verb === 'done');
      bench.runUntil(() => answered() && bench.core.isIdle, 120_000);
      assert.deepEqual(bench.receiver.files.get('/f'), content);
      assert.equal(bench.ended, undefined);
      assert.ok(bench.core.resentFrames > 0, 'the line lost nothing: the test proves nothing');
    });
  }

  it('takes a silent receiver for lost, but not before the time', () => {
    const bench = new Bench();
    bench.runUntil(() => bench.welcome !== undefined, 1_000);
    bench.run(100);
    bench.receiver.mute = true;
    bench.sendPut(content, 4_000);
    const since = bench.now;
    bench.runUntil(() => bench.ended !== undefined, 2 * LOST_MS);
    assert.equal(bench.ended?.code, 'lost');
    assert.ok(bench.now - since >= LOST_MS - STEP_MS && bench.now - since < LOST_MS + 1_000);
  });

  it('keeps an idle session alive with a few pings, and a later request gets its full patience', () => {
    const bench = new Bench();
    bench.runUntil(() => bench.welcome !== undefined, 1_000);
    bench.run(60_000);
    assert.equal(bench.ended, undefined);
    assert.ok(
      bench.receiver.pings >= 5 && bench.receiver.pings <= 8,
      `${bench.receiver.pings} pings in a minute`,
    );
    bench.sendPut(content.subarray(0, 10), 10);
    bench.runUntil(() => bench.core.isIdle, 100);
  });

  it('ends when the receiver says that it was stopped or knows the session no more', () => {
    for (const [code, words] of [
      ['bye', /was stopped/],
      ['unknown-session', /was restarted/],
    ] as const) {
      const bench = new Bench();
      bench.runUntil(() => bench.welcome !== undefined, 1_000);
      bench.receiver.reset(code);
      bench.runUntil(() => bench.ended !== undefined, 100);
      assert.equal(bench.ended?.code, 'reset');
      assert.match(bench.ended?.message ?? '', words);
    }
  });

  it('says bye', () => {
    const bench = new Bench();
    bench.runUntil(() => bench.welcome !== undefined, 1_000);
    bench.core.bye();
    bench.step();
    assert.equal(bench.receiver.byes, 1);
  });
});
