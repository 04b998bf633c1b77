// How a port is left on which was knocked: the stream may only go when what erases the knock has gone out.
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { FrameType } from '../../../src/protocol/constants.ts';
import { FrameParser } from '../../../src/protocol/frame.ts';
import { openSession } from '../../../src/protocol/index.ts';
import { mockClock } from '../../support/mockClock.ts';
import { FakeLink } from './fakeLink.ts';
import { FakeReceiver } from './fakeReceiver.ts';

/** Ctrl+U is shown as U. */
const ERASED = /^(4757\d{20}U)*$/;
const KNOCK = /4757\d{20}/;

/** A line that takes what is written as slowly as it's told. */
class FakeLine extends Duplex {
  written = '';
  /** Takes nothing more until it's called. */
  release: (() => void) | undefined;
  isStuck = false;
  readonly #answer: (text: string) => string;

  constructor(answer: (text: string) => string = () => '') {
    super({ allowHalfOpen: false });
    this.#answer = answer;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const take = () => {
      const text = chunk.toString('latin1');
      this.written += text.replace('\x15', 'U');
      const answer = this.#answer(text);
      if (answer) this.push(answer);
      done();
    };
    if (this.isStuck) this.release = take;
    else setImmediate(take);
  }

  override _final(done: () => void): void {
    setImmediate(() => {
      this.push(null);
      done();
    });
  }
}

describe('a port that is left', () => {
  it('is erased after a timeout, at whatever moment that comes', async t => {
    const clock = mockClock(t);
    for (const timeoutMs of [50, 150, 350, 450, 950, 1_250, 6_000]) {
      const line = new FakeLine();
      const opening = openSession(line, { timeoutMs });
      await assert.rejects(clock.during(timeoutMs + 50, opening), { code: 'no-receiver' });
      assert.ok(line.closed);
      assert.match(line.written, ERASED);
      assert.equal(KNOCK.test(line.written), timeoutMs > 100);
    }
  });

  it('is erased when it is given up, because another link won or a person pressed Ctrl-C', async t => {
    const clock = mockClock(t);
    const line = new FakeLine();
    const abort = new AbortController();
    const failing = assert.rejects(openSession(line, { signal: abort.signal }), { name: 'AbortError' });
    await clock.advance(150);
    assert.match(line.written, /^4757\d{20}$/);
    abort.abort();
    await failing;
    await clock.advance(10);
    assert.match(line.written, ERASED);
    assert.ok(line.closed);
  });

  it('is erased when a terminal is there, and the error says so at once', async t => {
    const clock = mockClock(t);
    const line = new FakeLine(text => (text === '\x15' ? '\r~ # ' : text));
    const failing = openSession(line);
    await assert.rejects(clock.during(300, failing), { code: 'occupied', occupant: 'shell' });
    assert.match(line.written, ERASED);
    assert.match(line.written, KNOCK);
    assert.ok(line.closed);
  });

  it('is waited for while the erasing has not gone out, but not for ever', async t => {
    const clock = mockClock(t);
    for (const isReleased of [true, false]) {
      const line = new FakeLine();
      const failing = assert.rejects(openSession(line, { timeoutMs: 200 }), { code: 'no-receiver' });
      await clock.advance(150);
      line.isStuck = true;
      await clock.advance(100);
      await failing;
      assert.equal(line.closed, false, 'the erasing is still to be written');
      if (isReleased) line.release?.();
      await clock.advance(isReleased ? 10 : 1_500);
      assert.ok(line.closed);
      assert.equal(ERASED.test(line.written), isReleased);
    }
  });

  it('stays closed when the line breaks by itself', async t => {
    const clock = mockClock(t);
    const line = new FakeLine();
    const failing = assert.rejects(openSession(line), { code: 'closed' });
    await clock.advance(150);
    line.destroy(new Error('the domain was stopped'));
    await failing;
    await clock.advance(1_000);
    assert.match(line.written, /^4757\d{20}$/);
  });
});

describe('a port with a receiver', () => {
  it('gets HELLO only after its HERE, and a channel gets it without a knock', async t => {
    for (const isChannel of [false, true]) {
      const receiver = new FakeReceiver();
      const types: number[] = [];
      const parser = new FrameParser(1 << 16);
      const receive = receiver.receive.bind(receiver);
      t.mock.method(receiver, 'receive', (chunk: Buffer) => {
        if (receiver.knocks === 0 && !isChannel) assert.match(chunk.toString('latin1'), /^\d*$/);
        parser.push(chunk, ({ type }) => types.push(type));
        receive(chunk);
      });
      const session = await openSession(new FakeLink(receiver), { isChannel });
      assert.equal(receiver.knocks, isChannel ? 0 : 1);
      assert.equal(types[0], FrameType.HELLO);
      await session.close();
    }
  });
});
