// Many small files to several guests: read, hashed and compressed once, and nobody is held up by another.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { openSession, type Session } from '../../../src/protocol/index.ts';
import { isAborted } from '../../../src/text/abort.ts';
import type { Bundle } from '../../../src/transfer/bundle/bundle.ts';
import type { BundleItem } from '../../../src/transfer/bundle/bundleItem.ts';
import { SharedBundles } from '../../../src/transfer/bundle/sharedBundles.ts';
import { type CopyOptions, copy, copyToMany, localDisk } from '../../../src/transfer/index.ts';
import { pollUntil } from '../../support/polling.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { type Answer, FakeReceiver, type FakeReceiverOptions } from '../protocol/fakeReceiver.ts';

interface Guest {
  receiver: FakeReceiver;
  session: Session;
}

describe('small files to several guests', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-unit-'));
  const top = path.join(directory, 'top');
  const contents = new Map<string, Buffer>();
  const sessions: Session[] = [];
  let reads: Map<string, number>;

  beforeEach(() => {
    reads = new Map();
    contents.clear();
    fs.rmSync(top, { recursive: true, force: true });
    for (let number = 0; number < 150; number += 1) write(`${number % 7}/${number}`, randomBytes(10_000));
  });
  after(async () => {
    for (const session of sessions) await session.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  function write(name: string, content: Buffer): void {
    const file = path.join(top, name);
    contents.set(`/d/top/${name}`, content);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }

  const sourceSystem = {
    ...localDisk,
    readStart: (file: string, bytes: number) => {
      reads.set(file, (reads.get(file) ?? 0) + 1);
      return localDisk.readStart?.(file, bytes) ?? assert.fail();
    },
    open: (file: string) => {
      reads.set(file, (reads.get(file) ?? 0) + 1);
      return localDisk.open(file);
    },
  };

  async function connect(options: FakeReceiverOptions = {}): Promise<Guest> {
    const receiver = new FakeReceiver({
      device: 'channel',
      frame: 65_536,
      window: 1 << 20,
      capabilities: ['bundle', 'unchanged', 'deflate'],
      ...options,
      answer: (message, stream) => options.answer?.(message, stream) ?? existing(message, receiver),
    });
    const session = await openSession(new FakeLink(receiver), { isChannel: true });
    sessions.push(session);
    return { receiver, session };
  }

  /** The destination, and what an earlier copy has made. */
  function existing(
    { verb, fields }: { verb: string; fields: Map<string, Buffer> },
    { files }: FakeReceiver,
  ): Answer[] | undefined {
    const where = fields.get('path')?.toString() ?? '';
    if (verb === 'stat' && where === '/d') return [['done', { type: 'directory', path: where }]];
    return verb === 'mkdir' && files.size > 0 ? [['done', { path: where, existed: 1 }]] : undefined;
  }

  function copyAll(guests: readonly Guest[], options: Partial<CopyOptions> = {}) {
    const all = { conflict: 'overwrite', sourceSystem, ...options } as const;
    return copyToMany(
      guests.map(({ session }) => ({ session, destination: '/d', options: all })),
      [top],
    );
  }

  function assertHasAll({ receiver }: Guest): void {
    for (const [name, content] of contents) assert.ok(receiver.files.get(name)?.equals(content), name);
    assert.deepEqual(receiver.violations, []);
  }

  const readMoreThanOnce = () => [...reads].filter(([, count]) => count > 1).map(([file]) => file);

  it('reads each file once, and every guest verifies it', async () => {
    const guests = await Promise.all([connect(), connect(), connect()]);
    const results = await copyAll(guests);
    for (const result of results)
      assert.equal(
        result.status === 'fulfilled' && result.value.files.filter(file => file.verified).length,
        150,
      );
    guests.forEach(assertHasAll);
    assert.deepEqual(readMoreThanOnce(), []);
    assert.equal(reads.size, 150);
  });

  it('compresses for all of them on a slow line', async () => {
    const slow = { device: 'uart', frame: 4_096, window: 16_384 };
    const guests = await Promise.all([connect(slow), connect(slow)]);
    for (const name of contents.keys())
      write(path.relative('/d/top', name), Buffer.from(`much the same ${name}\n`.repeat(20)));
    const results = await copyAll(guests);
    guests.forEach(assertHasAll);
    assert.deepEqual(readMoreThanOnce(), []);
    for (const result of results)
      assert.ok(result.status === 'fulfilled' && result.value.wireBytes < result.value.bytes / 2);
  });

  it('reads each file once where a guest has some of them already', async () => {
    const guests = await Promise.all([connect(), connect(), connect()]);
    const [, , third] = guests;
    await copy(third.session, [top], '/d', { conflict: 'overwrite' });
    for (const number of [3, 70, 71, 149]) write(`${number % 7}/${number}`, randomBytes(9_000 + number));
    const results = await copyAll(guests);
    guests.forEach(assertHasAll);
    assert.deepEqual(readMoreThanOnce(), []);
    const [first, , changed] = results.map(result =>
      result.status === 'fulfilled' ? result.value.files.filter(file => file.verified).length : result.reason,
    );
    assert.deepEqual([first, changed], [150, 4]);
  });

  it('goes on where one guest breaks, refuses or says nothing', async () => {
    let commits = 0;
    const guests = await Promise.all([
      connect({
        answer: ({ verb }) => {
          if (verb !== 'commit') return undefined;
          commits += 1;
          if (commits === 2) setImmediate(() => guests[0]?.session.close());
          return commits > 1 ? [] : undefined;
        },
      }),
      connect({ answer: ({ verb }) => (verb === 'bundle' ? [['error', { code: 'io' }]] : undefined) }),
      connect(),
      connect({ answer: ({ verb }) => (verb === 'bundle' ? [] : undefined) }),
    ]);
    const [, refusing, good, silent] = guests;
    const controller = new AbortController();
    const options = { conflict: 'overwrite', sourceSystem } as const;
    const copies = guests.map(({ session }) => ({
      ...{ session, destination: '/d' },
      options: session === silent.session ? { ...options, signal: controller.signal } : options,
    }));
    const copying = copyToMany(copies, [top]);
    await pollUntil('the good guest has all files', () => good.receiver.files.size >= contents.size);
    controller.abort();
    const results = await copying;
    assert.deepEqual(
      results.map(result =>
        result.status === 'rejected' ? (isAborted(result.reason) ? 'aborted' : result.reason.code) : 'ok',
      ),
      ['closed', 'ok', 'ok', 'aborted'],
    );
    for (const guest of [refusing, good]) assertHasAll(guest);
  });
});

describe('shared bundles', () => {
  const item = (name: string, size = 1_000, mtimeMs = 0): BundleItem => ({
    kind: 'file',
    entry: { source: `/${name}`, names: [name], info: { type: 'file', size, mtimeMs, mode: 0o644 } },
    name: Buffer.from(name),
    path: `/d/${name}`,
    isNew: true,
    skipsUnchanged: false,
    done: () => undefined,
    sendSeparately: async () => undefined,
    fail: () => undefined,
  });

  const bundleOf = (items: readonly BundleItem[]): Bundle => ({
    sealed: { bytes: 1, sha256: '', piece: {} as Bundle['sealed']['piece'] },
    parts: items.map(({ name }) => ({ bytes: name, sha256: name.toString() })),
    fileBytes: 0,
  });

  it('makes what is the same once, and keeps it no longer than somebody may want it', async () => {
    const [one, two, three] = [{}, {}, {}];
    const shared = new SharedBundles([one, two, three]);
    const items = [item('a'), item('b')];
    let made = 0;
    const make = async () => {
      made += 1;
      return bundleOf(items);
    };
    const first = shared.take(one, items, make);
    assert.equal(await shared.take(two, [item('a'), item('b')], make), await first);
    assert.ok(shared.heldBytes > 2_000);
    shared.leave(three);
    assert.deepEqual([made, shared.heldBytes], [1, 0]);
    await shared.take(two, [item('a', 1_000, 1), item('b')], make);
    assert.equal(made, 2);
  });

  it('finds single files in others, unless they have changed meanwhile', async () => {
    const [one, two] = [{}, {}];
    const shared = new SharedBundles([one, two]);
    const before = [item('a'), item('b'), item('c')];
    void shared.take(one, before, async () => bundleOf(before));
    const now = [item('c'), item('b', 1_000, 5), item('d'), item('a')];
    await shared.take(two, now, async known => {
      const found = await Promise.all(known);
      assert.deepEqual(
        found.map(contents => contents?.sha256),
        ['c', undefined, undefined, 'a'],
      );
      return bundleOf(now);
    });
  });

  it('holds no more than it may', async () => {
    const guests = [{}, {}];
    const shared = new SharedBundles(guests, 300_000);
    for (let number = 0; number < 100; number += 1) {
      const items = [item(`${number}`, 60_000)];
      await shared.take(guests[number % 2] as object, items, async () => bundleOf(items));
      assert.ok(shared.heldBytes <= 300_000, `${shared.heldBytes}`);
    }
    assert.ok(shared.heldBytes > 0);
  });

  it('tries again for the next guest where making one failed', async () => {
    const guests = [{}, {}, {}];
    const [one, two] = guests as [object, object];
    const shared = new SharedBundles(guests);
    const items = [item('a')];
    await assert.rejects(
      shared.take(one, items, () => Promise.reject(new Error('no memory'))),
      /no memory/,
    );
    assert.equal(shared.heldBytes, 0);
    const bundle = bundleOf(items);
    assert.equal(await shared.take(two, items, async () => bundle), bundle);
  });
});
