import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { FrameType } from '../../../src/protocol/constants.ts';
import { encodeFrame } from '../../../src/protocol/frame.ts';
import { openSession, type Session } from '../../../src/protocol/index.ts';
import type { FeatureMode } from '../../../src/text/featureMode.ts';
import { pollUntil } from '../../support/polling.ts';
import { FakeLanes } from './fakeLanes.ts';
import { FakeLink } from './fakeLink.ts';
import type { FakeReceiverOptions } from './fakeReceiver.ts';

/** A session whose receiver, a fake, has further ports. */
class Bench {
  readonly fake: FakeLanes;
  readonly links: FakeLink[];
  readonly session: Promise<Session>;
  opened = 0;

  constructor(mode: FeatureMode, options: FakeReceiverOptions = {}) {
    this.fake = new FakeLanes(3, options);
    this.links = this.fake.ports.map(port => new FakeLink(port));
    this.fake.onActed = () => setImmediate(() => this.#flush());
    const [main, ...further] = this.links as [FakeLink, ...FakeLink[]];
    const openers = further.map(link => async () => {
      this.opened += 1;
      // What is left of another session: no need to listen for a prompt, for which the mocked time is too slow.
      link.push(LEFTOVER);
      return link;
    });
    this.session = openSession(main, { isChannel: true, lanes: { openers, mode } });
  }

  #flush(): void {
    for (const link of this.links) if (!link.destroyed) link.flush();
  }

  async put(content: Buffer, onFrame: (index: number) => void = () => undefined): Promise<void> {
    const put = await (await this.session).put({ path: '/f' });
    for (let at = 0; at < content.length; at += 4_000) {
      put.sendData(content.subarray(at, at + 4_000));
      onFrame(at / 4_000);
      await put.room();
      // The fake's answers come by way of the event loop, and lanes are opened there.
      await new Promise(setImmediate);
    }
    await put.commit(createHash('sha256').update(content).digest('hex'));
    assert.deepEqual(this.fake.main.files.get('/f'), content);
    assert.deepEqual(this.fake.main.violations, []);
  }

  /** Which lane is the quickest is measured, and each is tried only after a while. */
  async putUntilAllCarry(frames: number): Promise<void> {
    const isIdle = (came: number) => came < frames;
    for (let puts = 0; puts === 0 || (puts < 20 && this.fake.came.some(isIdle)); puts += 1)
      await this.put(content);
    assert.ok(!this.fake.came.some(isIdle), `frames that came on each lane: ${this.fake.came}`);
  }
}

const content = randomBytes(1_000_000);
const LEFTOVER = encodeFrame({ type: FrameType.PONG, flags: 0, stream: 0, session: 1, sequence: 0 });

/** Time passes by a little whenever it's asked for, so that no lane seems slow because the machine is busy. */
function mockTime(t: TestContext): void {
  let now = 0;
  t.mock.method(performance, 'now', () => {
    now += 0.02;
    return now;
  });
}

describe('lanes of a session', () => {
  it('are opened, joined, used and closed', async t => {
    mockTime(t);
    const bench = new Bench('on');
    await bench.putUntilAllCarry(21);
    const session = await bench.session;
    assert.equal(session.lanes, 3);
    assert.deepEqual(
      bench.fake.ports.map(({ knocks }) => knocks),
      [0, 1, 1],
      'the further ports were knocked at',
    );
    assert.ok(session.wireBytes > content.length, 'the bytes of all ports count');
    await session.close();
    assert.deepEqual(
      bench.fake.ports.map(({ byes }) => byes),
      [1, 1, 1],
    );
    assert.ok(bench.links.every(link => link.destroyed));
  });

  it('are not opened for what is small, nor twice', async () => {
    const bench = new Bench('auto');
    await bench.put(content.subarray(0, 60_000));
    assert.equal(bench.opened, 0);
    await bench.put(content);
    await bench.put(content);
    assert.equal(bench.opened, 2);
    await (await bench.session).close();
  });

  it('are no matter for a fast link or an older receiver', async () => {
    for (const device of ['channel', 'console', 'pty']) {
      const bench = new Bench('on', { device });
      await bench.put(content);
      assert.equal(bench.opened, 0, device);
      await (await bench.session).close();
    }
  });

  it('are not opened where they are turned off', async () => {
    const bench = new Bench('off');
    await bench.put(content);
    assert.equal(bench.opened, 0);
    await (await bench.session).close();
  });

  it('that cannot be joined are let go', async () => {
    const bench = new Bench('on', {
      answer: ({ verb }) => (verb === 'join' ? [['error', { code: 'not-found' }]] : undefined),
    });
    await bench.put(content);
    const session = await bench.session;
    assert.equal(session.lanes, 1);
    assert.equal(bench.opened, 2);
    await pollUntil('the further links are closed', () => bench.links.slice(1).every(link => link.destroyed));
    assert.deepEqual(bench.fake.came, [0, 0, 0], 'nothing was wrapped');
    await session.close();
  });

  it('may break in the middle', async t => {
    mockTime(t);
    const bench = new Bench('on');
    await bench.putUntilAllCarry(6);
    await bench.put(content, index => {
      if (index === 100) bench.links[1]?.destroy(new Error('the daemon closed it'));
      if (index === 150) bench.fake.ports[2]?.reset('bye');
    });
    const session = await bench.session;
    await pollUntil('one lane is left', () => session.lanes === 1);
    await bench.put(content);
    await session.close();
  });

  it('end with the session, also those that are only being opened', async () => {
    const bench = new Bench('on');
    const session = await bench.session;
    if (bench.fake.ports[2]) bench.fake.ports[2].mute = true;
    await bench.put(content);
    assert.equal(session.lanes, 2);
    bench.links[0]?.destroy();
    await pollUntil('all links are closed', () => bench.links.every(link => link.destroyed));
    assert.equal(session.ended?.code, 'closed');
  });
});
