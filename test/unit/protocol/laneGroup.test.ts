import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameType, LANE_LOST_MS } from '../../../src/protocol/constants.ts';
import { LaneGroup } from '../../../src/protocol/laneGroup.ts';
import { LanePolicy } from '../../../src/protocol/lanePolicy.ts';
import { SessionCore } from '../../../src/protocol/sessionCore.ts';
import { encodeText } from '../../../src/protocol/text.ts';
import { randomChunks, seededRandom } from '../../support/random.ts';
import { FakeLanes } from './fakeLanes.ts';

const STEP_MS = 5;
const FRAME_BYTES = 1_000;

/** What a fake line does to one direction's bytes. */
type Line = (chunk: Buffer) => Buffer[];

/** Host cores in a group, and a fake receiver with as many ports, on fake lines with a fake clock. */
class Bench {
  now = 1_000;
  readonly fake: FakeLanes;
  readonly cores: SessionCore[];
  readonly group: LaneGroup<SessionCore>;
  /** Each may carry so many bytes to the guest in a step. */
  readonly speeds: number[];
  readonly lines: Line[];
  /** In the order in which memory was given back. */
  readonly released: number[] = [];
  answers: string[] = [];
  readonly #backlog: Buffer[];
  readonly #silentSince: number[];
  #probe = 0;

  constructor(count: number, { window = 16_384, speed = Number.POSITIVE_INFINITY } = {}) {
    this.fake = new FakeLanes(count, { window });
    this.speeds = this.fake.ports.map(() => speed);
    this.lines = this.fake.ports.map(() => chunk => [chunk]);
    this.#backlog = this.fake.ports.map(() => Buffer.alloc(0));
    this.#silentSince = this.fake.ports.map(() => this.now);
    this.cores = this.fake.ports.map((_, nonce) => this.#newCore(nonce + 1));
    const [main, ...further] = this.cores as [SessionCore, ...SessionCore[]];
    this.group = new LaneGroup(main, new LanePolicy('on'));
    this.runUntil(() => this.fake.ports.every(({ pings }) => pings > 0), 1_000);
    for (const core of further) this.group.add(core);
    main.hasOpenRequests = true;
  }

  #newCore(nonce: number): SessionCore {
    const events = {
      onWelcome: () => undefined,
      onMessage: (_: number, { verb }: { verb: string }) => this.answers.push(verb),
      onData: () => undefined,
      onEnd: () => undefined,
    };
    const core = new SessionCore({ nonce, agent: 'test', now: this.now, events });
    core.greet();
    return core;
  }

  step(): void {
    for (const core of this.group.silent(this.now)) this.lose(core);
    this.group.distribute(this.now);
    for (const [index, core] of this.cores.entries()) if (!core.ended) this.#exchange(index, core);
    this.now += STEP_MS;
  }

  lose(core: SessionCore): void {
    core.bye();
    this.group.remove(core);
  }

  #exchange(index: number, core: SessionCore): void {
    const port = this.fake.ports[index];
    const line = this.lines[index];
    if (!port || !line) throw new Error('no such port');
    if (this.now >= core.nextDeadline) core.tick(this.now);
    let bytes = this.#backlog[index] ?? Buffer.alloc(0);
    for (let frame = core.takeOutput(); frame; frame = core.takeOutput())
      bytes = Buffer.concat([bytes, ...frame]);
    const carried = bytes.subarray(0, this.speeds[index]);
    this.#backlog[index] = bytes.subarray(carried.length);
    if (carried.length > 0) for (const piece of line(carried)) port.receive(piece);
    const output = port.takeOutput();
    for (const piece of output.flatMap(line)) core.receive(piece, this.now);
    if (output.length > 0) this.#silentSince[index] = this.now;
    if (this.now - (this.#silentSince[index] ?? 0) < 600) return;
    this.#silentSince[index] = this.now;
    port.probe(++this.#probe);
    port.parser.idle(() => undefined);
  }

  runUntil(done: () => boolean, limitMs: number): void {
    const end = this.now + limitMs;
    while (!done()) {
      assert.ok(this.now < end, `not done after ${limitMs} ms of the fake clock`);
      this.step();
    }
  }

  sendPut(content: Buffer): void {
    const send = (type: number, pieces: Buffer[]) => {
      const number = this.#sent++;
      this.group.enqueue({ type, stream: 1, pieces, onAcknowledged: () => this.released.push(number) });
    };
    send(FrameType.CONTROL, [encodeText('put', { path: '/f' })]);
    for (let at = 0; at < content.length; at += FRAME_BYTES) {
      const offset = Buffer.alloc(8);
      offset.writeBigUInt64BE(BigInt(at));
      send(FrameType.DATA, [offset, content.subarray(at, at + FRAME_BYTES)]);
    }
    send(FrameType.CONTROL, [encodeText('commit', {})]);
  }
  #sent = 0;

  /** All is answered and acknowledged. */
  get isDone(): boolean {
    return this.answers.includes('done') && this.released.length === this.#sent;
  }

  assertWhole(content: Buffer): void {
    assert.deepEqual(this.fake.main.files.get('/f'), content);
    assert.deepEqual(this.fake.main.violations, []);
    assert.deepEqual(
      this.released,
      Array.from({ length: content.length / FRAME_BYTES + 2 }, (_, index) => index),
      'memory is given back in order, once',
    );
    assert.equal(this.group.queuedBytes, 0);
  }
}

const content = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919) & 0xff));

function lossy(seed: number): Line {
  const random = seededRandom(seed);
  return chunk =>
    randomChunks(chunk, random, 2_000).flatMap(piece => {
      const dice = random();
      if (dice < 0.02) return [];
      return dice < 0.04 ? [piece, Buffer.from('[   12.345678] random: crng init done\r\n')] : [piece];
    });
}

describe('LaneGroup', () => {
  it('gives each lane what it can carry', () => {
    const bench = new Bench(3, { speed: 300 });
    bench.speeds[2] = 100;
    bench.sendPut(content);
    bench.runUntil(() => bench.isDone, 10_000);
    bench.assertWhole(content);
    const [first = 0, second = 0, third = 0] = bench.fake.came;
    assert.ok(Math.abs(first - second) < 20, `${first} and ${second} frames`);
    assert.ok(third > 15 && third < first / 2, `${third} frames by the slow lane, ${first} by a fast one`);
    // One lane alone would take 200,000 bytes / 300 bytes a step: 3,333 ms and more.
    assert.ok(bench.now < 1_000 + 2_200, `${bench.now - 1_000} ms`);
    assert.equal(bench.fake.repeated, 0);
  });

  it('begins on the main port, behind what was sent there before', () => {
    const bench = new Bench(2);
    bench.lines[0] = () => [];
    bench.sendPut(content);
    for (let step = 0; step < 50; step++) bench.step();
    assert.ok((bench.fake.came[1] ?? 0) > 3, 'the lane carries on');
    assert.equal(bench.fake.main.requests.length, 0);
  });

  for (const seed of [1, 2, 3, 4]) {
    it(`brings everything over lossy lanes (seed ${seed})`, () => {
      const bench = new Bench(3);
      bench.lines.splice(0, 3, lossy(seed), lossy(seed + 100), lossy(seed + 200));
      bench.sendPut(content);
      bench.runUntil(() => bench.isDone, 240_000);
      bench.assertWhole(content);
      assert.ok(
        bench.cores.some(core => core.resentFrames > 0),
        'nothing was lost: the test proves nothing',
      );
    });
  }

  for (const dying of [1, 2]) {
    it(`goes on when lane ${dying} of three says nothing any more`, () => {
      const bench = new Bench(3, { speed: 300 });
      bench.sendPut(content);
      bench.runUntil(() => (bench.fake.came[dying] ?? 0) > 20, 5_000);
      bench.lines[dying] = () => [];
      const since = bench.now;
      bench.runUntil(() => bench.cores[dying]?.ended !== undefined, 2 * LANE_LOST_MS);
      assert.ok(bench.now - since >= LANE_LOST_MS - 1_000, 'not before the time');
      bench.runUntil(() => bench.isDone, 10_000);
      bench.assertWhole(content);
      assert.equal(bench.group.lanesInUse, 2);
    });
  }

  it('gets frames of a lost lane past windows that are full of what waits for them', () => {
    const bench = new Bench(2, { window: 4_096 });
    bench.sendPut(content);
    bench.runUntil(() => (bench.fake.came[1] ?? 0) > 5, 5_000);
    // The lane takes frames from us that never arrive; the main port's window fills with what comes behind them.
    bench.lines[1] = () => [];
    bench.runUntil(() => bench.fake.main.held > 3_000, 1_000);
    assert.equal(bench.isDone, false);
    bench.runUntil(() => bench.isDone, 60_000);
    bench.assertWhole(content);
  });

  it('sends again what arrived unacknowledged, and the receiver takes it once', () => {
    const bench = new Bench(2, { speed: 300 });
    bench.sendPut(content);
    bench.runUntil(() => (bench.fake.came[1] ?? 0) > 20, 5_000);
    // Frames arrive, acknowledgements do not.
    const port = bench.fake.ports[1];
    const core = bench.cores[1];
    assert.ok(port && core);
    port.mute = true;
    bench.runUntil(() => core.ended !== undefined, 2 * LANE_LOST_MS);
    bench.runUntil(() => bench.isDone, 10_000);
    bench.assertWhole(content);
    assert.ok(bench.fake.repeated > 0, 'nothing came twice: the test proves nothing');
  });

  it('does not take a lane for lost while the whole guest stands still', () => {
    const bench = new Bench(2, { speed: 300 });
    bench.sendPut(content);
    bench.runUntil(() => (bench.fake.came[1] ?? 0) > 5, 5_000);
    for (const port of bench.fake.ports) port.mute = true;
    const until = bench.now + 6_000;
    bench.runUntil(() => bench.now >= until, 7_000);
    for (const port of bench.fake.ports) port.mute = false;
    bench.runUntil(() => bench.isDone, 10_000);
    assert.equal(bench.group.lanesInUse, 2);
    bench.assertWhole(content);
  });
});
