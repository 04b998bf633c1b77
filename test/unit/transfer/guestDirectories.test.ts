// The directories of a copy: asked for ahead of their turn, and what is in a refused one is not reported again.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { openSession, type Session } from '../../../src/protocol/index.ts';
import { type CopyOptions, type CopyResult, copy } from '../../../src/transfer/index.ts';
import { readAhead } from '../../../src/transfer/readAhead.ts';
import { pollUntil } from '../../support/polling.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { type Answer, FakeReceiver, type FakeReceiverOptions } from '../protocol/fakeReceiver.ts';

const REFUSED: Answer[] = [['error', { code: 'permission', message: 'not for you' }]];

describe('directories of a copy', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-unit-'));
  const top = path.join(directory, 'top');
  let session: Session;
  let receiver: FakeReceiver;
  /** In the order in which they came. */
  let asked: string[];
  /** Instead of `existed=1`. */
  let answers: Map<string, Answer[]>;

  beforeEach(() => {
    asked = [];
    answers = new Map();
    fs.rmSync(top, { recursive: true, force: true });
  });
  afterEach(() => session.close());
  after(() => fs.rmSync(directory, { recursive: true, force: true }));

  async function connect(options: FakeReceiverOptions = {}): Promise<void> {
    receiver = new FakeReceiver({
      capabilities: ['bundle', 'unchanged'],
      ...options,
      answer: ({ verb, fields }) => {
        const where = fields.get('path')?.toString() ?? '';
        if (verb === 'stat' && where === '/d') return [['done', { type: 'directory', path: where }]];
        if (verb !== 'mkdir') return undefined;
        asked.push(where);
        return answers.get(where) ?? [['done', { path: where, existed: 1 }]];
      },
    });
    session = await openSession(new FakeLink(receiver), { isChannel: true });
  }

  function write(name: string): void {
    const file = path.join(top, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, name);
  }

  function writeTree(): void {
    for (let number = 0; number < 20; number += 1)
      for (const name of ['file', 'inner/file', 'inner/deep/file']) write(`${number}/${name}`);
  }

  const run = (options: Partial<CopyOptions> = {}) =>
    copy(session, [top], '/d', { conflict: 'overwrite', ...options });
  const errors = (result: CopyResult) =>
    result.files.filter(file => file.error).map(file => [file.destination, file.error?.code]);
  const below = (where: string) => asked.filter(other => other.startsWith(`${where}/`));
  const settle = async () => {
    for (let count = -1; count < asked.length; ) {
      count = asked.length;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  };

  it('asks for many at once, none before the one that it is in', async () => {
    writeTree();
    await connect();
    answers.set('/d/top/7', []).set('/d/top/8/inner', []);
    const controller = new AbortController();
    const copying = run({ signal: controller.signal });
    await pollUntil('55 folders are asked for', () => asked.length >= 55);
    await settle();
    assert.deepEqual([...below('/d/top/7'), ...below('/d/top/8/inner')], []);
    assert.equal(asked.length, 1 + 20 * 3 - 2 - 1);
    assert.ok(asked.every((where, index) => index === 0 || asked.indexOf(path.dirname(where)) < index));
    controller.abort();
    await assert.rejects(copying, { name: 'AbortError' });
  });

  it('leaves streams to the files', async () => {
    writeTree();
    await connect({ streams: 6, capabilities: [] });
    for (let number = 0; number < 20; number += 1) answers.set(`/d/top/${number}`, []);
    const controller = new AbortController();
    const copying = run({ signal: controller.signal });
    await pollUntil('4 folders are asked for', () => asked.length >= 4);
    await settle();
    assert.equal(asked.length, 4);
    controller.abort();
    await assert.rejects(copying, { name: 'AbortError' });
    await settle();
    assert.equal(asked.length, 4);
  });

  for (const capabilities of [['bundle', 'unchanged'], []])
    it(`reports a refused one once, ${capabilities.length > 0 ? 'with' : 'without'} bundles`, async () => {
      writeTree();
      await connect({ capabilities });
      answers.set('/d/top/3', REFUSED).set('/d/top/4/inner/deep', REFUSED);
      const result = await run();
      assert.deepEqual(errors(result).sort(), [
        ['/d/top/3', 'permission'],
        ['/d/top/4/inner/deep', 'permission'],
      ]);
      assert.equal(result.files.filter(file => file.verified).length, 60 - 3 - 1);
      assert.deepEqual(below('/d/top/3'), []);
    });

  it('reports one once that a bundle could not make', async () => {
    writeTree();
    await connect({ leaves: where => /^\/d\/top\/3\/|deep\/$/.test(where) });
    answers.set('/d/top', [['done', { path: '/d/top' }]]);
    answers.set('/d/top/3', REFUSED).set('/d/top/5/inner/deep', REFUSED);
    const result = await run();
    assert.deepEqual(errors(result).sort(), [
      ['/d/top/3', 'permission'],
      ['/d/top/5/inner/deep', 'permission'],
    ]);
    assert.deepEqual(
      receiver.requests.filter(verb => verb === 'put'),
      [],
    );
  });
});

describe('reading ahead', () => {
  /** Numbers from 1 on, and what has been taken of them. */
  function numbers(end: number) {
    const state = { taken: 0, isClosed: false };
    async function* generate() {
      try {
        while (state.taken < end) yield ++state.taken;
        if (end === 5) throw new Error('torn');
      } finally {
        state.isClosed = true;
      }
    }
    return { state, items: generate() };
  }

  const options = { maxItems: 10, maxWeight: 100, weightOf: (item: number) => item, onKnown: Number };

  it('gives everything in order, and takes no more than it may', async () => {
    const { state, items } = numbers(60);
    const seen: number[] = [];
    for await (const item of readAhead(items, options)) {
      seen.push(item);
      await new Promise(resolve => setImmediate(resolve));
      const waiting = state.taken - item;
      assert.ok(waiting <= 11, `${waiting}`);
      // The weight of all that wait may be passed by one item alone.
      if (item > 40) assert.ok(waiting <= 4, `${waiting} behind ${item}`);
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 60 }, (_, index) => index + 1),
    );
  });

  it('closes its source when nobody wants more', async () => {
    const { state, items } = numbers(60);
    for await (const item of readAhead(items, options)) if (item === 3) break;
    assert.ok(state.isClosed);
    assert.ok(state.taken < 20, `${state.taken}`);
  });

  it('tells of an error behind what came before it', async () => {
    const { items } = numbers(5);
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const item of readAhead(items, options)) seen.push(item);
    }, /torn/);
    assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  });
});
