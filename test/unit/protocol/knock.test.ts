import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ERASE_MS,
  FrameType,
  KNOCK_INTERVAL_MS,
  LISTEN_MS,
  RESYNC_MS,
} from '../../../src/protocol/constants.ts';
import { encodeFrame } from '../../../src/protocol/frame.ts';
import { encodeKnock, Knock } from '../../../src/protocol/knock.ts';
import { quietTerminals, type Terminal, talkers, waitingTerminals } from './terminals.ts';

const NONCE = 0x0badcafe;
const DIGITS = '475701959390702131920014';
const CTRL_U = '\x15';
const STEP_MS = 10;

/** A knock on a line with a terminal at its other end, and a clock that the test moves. */
class Bench {
  readonly knock = new Knock(NONCE, 0);
  now = 0;
  readonly sent: { at: number; text: string }[] = [];
  readonly #terminal: Partial<Terminal>;
  readonly #chunkBytes: number;

  constructor(terminal: Partial<Terminal> = {}, chunkBytes = 1 << 20) {
    this.#terminal = terminal;
    this.#chunkBytes = chunkBytes;
  }

  says(bytes: string | Buffer): void {
    const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    for (let at = 0; at < all.length; at += this.#chunkBytes)
      this.knock.receive(all.subarray(at, at + this.#chunkBytes), this.now);
    this.#exchange();
  }

  run(forMs: number): this {
    for (const end = this.now + forMs; this.now < end; this.now += STEP_MS) {
      if (this.knock.nextDeadline <= this.now) this.knock.tick(this.now);
      this.#exchange();
    }
    return this;
  }

  leave(): this {
    this.knock.leave();
    this.#exchange();
    return this;
  }

  get texts(): string[] {
    return this.sent.map(({ text }) => text);
  }

  #exchange(): void {
    for (let out = this.knock.takeOutput(); out; out = this.knock.takeOutput()) {
      const text = Buffer.concat(out).toString('latin1');
      this.sent.push({ at: this.now, text });
      const answer = text === CTRL_U ? this.#terminal.toErase : this.#terminal.toKnock;
      if (answer) this.says(answer);
    }
  }
}

function frame(type: number, session: number, payload?: Buffer): Buffer {
  return encodeFrame({ type, flags: 0, stream: 0, session, sequence: 0 }, payload);
}

/** Every knock is followed by its erasing, and nothing else was ever sent. */
function assertErased(bench: Bench): void {
  for (const [index, text] of bench.texts.entries())
    assert.equal(text, index % 2 === 0 ? DIGITS : CTRL_U, `sent: ${JSON.stringify(bench.texts)}`);
  assert.equal(bench.sent.length % 2, 0, `not erased: ${JSON.stringify(bench.texts)}`);
}

describe('the knock', () => {
  it('is 24 digits: the mark, the nonce and their check', () => {
    assert.equal(encodeKnock(NONCE), DIGITS);
    for (const nonce of [0, 1, 0xffffffff]) assert.match(encodeKnock(nonce), /^4757\d{20}$/);
  });

  it('comes after 100 ms of silence, is erased after 300 more, and comes again after 800', () => {
    const { sent, knock } = new Bench().run(2_000);
    assert.equal(knock.outcome, undefined);
    const [first, second] = [LISTEN_MS, LISTEN_MS + KNOCK_INTERVAL_MS];
    assert.deepEqual(sent.slice(0, 4), [
      { at: first, text: DIGITS },
      { at: first + ERASE_MS, text: CTRL_U },
      { at: second, text: DIGITS },
      { at: second + ERASE_MS, text: CTRL_U },
    ]);
  });

  it('is answered by HERE with its nonce, also late, and is then not erased', () => {
    for (const [ms, texts] of [
      [LISTEN_MS + STEP_MS, [DIGITS]],
      [LISTEN_MS + ERASE_MS + 100, [DIGITS, CTRL_U]],
    ] as const) {
      const bench = new Bench().run(ms);
      bench.says(Buffer.concat([Buffer.from('[ 1.2] noise\n'), frame(FrameType.HERE, NONCE)]));
      assert.equal(bench.knock.outcome, 'here');
      assert.equal(bench.knock.nextDeadline, Number.POSITIVE_INFINITY);
      assert.deepEqual(bench.leave().run(2_000).texts, [...texts, ...(texts.length === 1 ? [CTRL_U] : [])]);
    }
  });

  it('is not answered by HERE with another nonce, nor by another frame with its own', () => {
    const bench = new Bench().run(LISTEN_MS + STEP_MS);
    bench.says(frame(FrameType.HERE, NONCE + 1));
    bench.says(frame(FrameType.PONG, NONCE, Buffer.alloc(12)));
    assert.equal(bench.knock.outcome, undefined);
    assertErased(bench.run(500));
  });

  it('is not answered by a HERE that came before it', () => {
    const bench = new Bench();
    bench.says(frame(FrameType.HERE, NONCE));
    assert.equal(bench.knock.outcome, undefined);
  });

  it('is not answered by HERE in one piece with its echo', () => {
    const here = frame(FrameType.HERE, NONCE);
    for (const pieces of [
      [Buffer.from(DIGITS), here],
      [here, Buffer.from(DIGITS)],
    ]) {
      const bench = new Bench().run(LISTEN_MS + STEP_MS);
      bench.says(Buffer.concat(pieces));
      assertErased(bench.run(2_000));
      assert.equal(bench.knock.outcome, 'terminal');
    }
  });

  it('finds HERE behind half a frame', () => {
    const half = frame(FrameType.DATA, 77, Buffer.alloc(500)).subarray(0, 100);
    const bench = new Bench();
    bench.says(half);
    bench.run(LISTEN_MS + STEP_MS);
    bench.says(frame(FrameType.HERE, NONCE));
    assert.equal(bench.knock.outcome, undefined);
    bench.run(RESYNC_MS + STEP_MS);
    assert.equal(bench.knock.outcome, 'here');
  });

  it('comes at once where a receiver still speaks of an older session, whatever its bytes look like', () => {
    const bench = new Bench();
    bench.says(Buffer.concat([frame(FrameType.PONG, 0x5eed1234, Buffer.alloc(12)), Buffer.from('login: ')]));
    assert.deepEqual(bench.sent, [{ at: 0, text: DIGITS }]);
    bench.says(frame(FrameType.HERE, NONCE));
    assert.equal(bench.knock.outcome, 'here');
  });

  it('is neither delayed nor made larger by a flood', () => {
    const flood = Buffer.alloc(1 << 20, '7\x1b]0;no end, 12 # ');
    const bench = new Bench();
    const before = process.memoryUsage().arrayBuffers;
    for (let megabytes = 0; megabytes < 16; megabytes += 1) {
      bench.says(flood);
      bench.run(STEP_MS);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 8 << 20);
    assert.deepEqual(bench.sent, [{ at: LISTEN_MS, text: DIGITS }]);
    assertErased(bench.leave());
  });
});

describe('who is at the other end', () => {
  for (const chunkBytes of [1 << 20, 1]) {
    const how = chunkBytes === 1 ? ', byte by byte' : '';
    for (const terminal of quietTerminals)
      it(`quiet: ${terminal.name}${how}`, () => {
        const bench = new Bench(terminal, chunkBytes).run(3_000);
        assert.equal(bench.knock.outcome, terminal.outcome);
        assertErased(bench.leave());
        const isHeard = terminal.toKnock !== undefined;
        if (isHeard) assert.equal(bench.sent.length, 2, 'one knock is enough');
      });
    for (const terminal of waitingTerminals)
      it(`waiting: ${terminal.name}${how}`, () => {
        const bench = new Bench(terminal, chunkBytes);
        bench.says(terminal.first ?? '');
        bench.run(3_000);
        assert.equal(bench.knock.outcome, terminal.outcome);
        assert.deepEqual(bench.leave().sent, []);
      });
    for (const terminal of talkers)
      it(`talking: ${terminal.name}${how}`, () => {
        const bench = new Bench(terminal, chunkBytes);
        bench.says(terminal.first ?? '');
        bench.run(2_000);
        assert.equal(bench.knock.outcome, undefined);
        assert.equal(bench.sent[0]?.at, LISTEN_MS);
        assertErased(bench.leave());
      });
  }

  it('is known by the prompt in front of the echo, without waiting', () => {
    const bench = new Bench().run(LISTEN_MS + STEP_MS);
    bench.says(`vm login: ${DIGITS}`);
    assert.equal(bench.knock.outcome, 'login');
    assertErased(bench.leave());
  });

  it('is somebody else also where only the second knock is echoed, or too late', () => {
    const bench = new Bench().run(LISTEN_MS + KNOCK_INTERVAL_MS + STEP_MS);
    bench.says(DIGITS);
    assertErased(bench.run(200));
    assert.equal(bench.knock.outcome, 'terminal');
    const late = new Bench().run(LISTEN_MS + ERASE_MS + 200);
    late.says(`${DIGITS}\b \b`);
    assertErased(late.run(200));
    assert.equal(late.knock.outcome, 'terminal');
  });

  it('is nobody else where digits come that are not an echo', () => {
    const bench = new Bench().run(LISTEN_MS + STEP_MS);
    bench.says(`${DIGITS.slice(0, 11)} x ${DIGITS.slice(13)} ${encodeKnock(7)} `);
    assert.equal(bench.run(100).knock.outcome, undefined);
  });
});

describe('leaving', () => {
  it('erases what stands on the line, once, and nothing where nothing does', () => {
    for (let ms = 0; ms < 2_000; ms += 50) assertErased(new Bench().run(ms).leave().leave());
  });
});
