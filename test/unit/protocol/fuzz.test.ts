import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameType } from '../../../src/protocol/constants.ts';
import { encodeFrame } from '../../../src/protocol/frame.ts';
import { SessionCore } from '../../../src/protocol/sessionCore.ts';
import { encodeText } from '../../../src/protocol/text.ts';
import { seededRandom } from '../../support/random.ts';
import { FakeReceiver } from './fakeReceiver.ts';

const FRAMES = 10_000;
const SEED = 20_15;

describe('a hostile guest', () => {
  it(`cannot crash, hang or fill the host with ${FRAMES} mutated frames (seed ${SEED})`, () => {
    const random = seededRandom(SEED);
    const below = (limit: number) => Math.floor(random() * limit);
    let core = newCore();
    let replies = 0;
    for (let count = 0; count < FRAMES; count += 1) {
      if (core.ended) core = newCore();
      for (const chunk of mutate(someFrame(below), below)) core.receive(chunk, count);
      core.tick(count);
      for (let out = core.takeOutput(), left = 1_000; out; out = core.takeOutput()) {
        replies += 1;
        assert.ok(--left > 0, 'the core has no end of things to say');
      }
      assert.ok(core.queuedBytes < 1 << 20);
    }
    assert.ok(replies > FRAMES / 20, 'hardly any frame was understood: the fuzz proves little');
    assert.ok(process.memoryUsage().arrayBuffers < 64 << 20);
  });
});

function newCore(): SessionCore {
  const events = {
    onWelcome: () => undefined,
    onMessage: () => undefined,
    onData: () => undefined,
    onEnd: () => undefined,
  };
  const core = new SessionCore({ nonce: 7, agent: 'fuzz', now: 0, events });
  const receiver = new FakeReceiver();
  core.greet();
  core.tick(0);
  for (let out = core.takeOutput(); out; out = core.takeOutput())
    for (const piece of out) receiver.receive(piece);
  for (const buffer of receiver.takeOutput()) core.receive(buffer, 0);
  return core;
}

function someFrame(below: (limit: number) => number): Buffer {
  const types = [...Object.values(FrameType), below(256)];
  const payloads = [
    Buffer.alloc(0),
    Buffer.from([0, 0, 0, below(3), 0, 0, 0x40, 0, 0, 0, 0x40, 0]),
    Buffer.alloc(below(200), 0xff),
    encodeText('done', { path: '/x', size: below(1e9) }),
    encodeText('error', { code: 'exists' }),
    encodeText('welcome', {
      session: 'ffffffff',
      protocol: 1,
      window: 2 ** 40,
      streams: 2 ** 40,
      frame: 2 ** 40,
    }),
  ];
  const header = {
    type: types[below(types.length)] ?? 0,
    flags: below(256),
    stream: below(3),
    session: below(10) ? 0x5eed1234 : below(2 ** 32),
    sequence: below(3) ? below(4) : below(2 ** 32),
  };
  return encodeFrame(header, payloads[below(payloads.length)]);
}

/** Flips, cuts, repeats or leaves alone; then in two chunks. */
function mutate(frame: Buffer, below: (limit: number) => number): Buffer[] {
  const bytes = Buffer.from(frame);
  const kind = below(6);
  const victim = below(bytes.length);
  if (kind === 0) bytes.writeUInt8(bytes.readUInt8(victim) ^ (1 << below(8)), victim);
  const cut = below(bytes.length);
  if (kind === 1) return [bytes.subarray(0, cut)];
  if (kind === 2) return [bytes, bytes];
  if (kind === 3) return [bytes.subarray(cut), bytes.subarray(0, cut)];
  return [bytes.subarray(0, cut), bytes.subarray(cut)];
}
