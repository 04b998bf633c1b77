// Sources that change while they are read, on every way a file is read: what arrives is one version, or an error.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openSession } from '../../../src/protocol/index.ts';
import {
  type CopyOptions,
  type CopyProgress,
  copyToMany,
  type FileResult,
  localDisk,
  type SourceSystem,
} from '../../../src/transfer/index.ts';
import { pollUntil } from '../../support/polling.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { FakeReceiver, type FakeReceiverOptions } from '../protocol/fakeReceiver.ts';
import {
  type Change,
  type ChangingDisk,
  changes,
  changingDisk,
  changingVirtualDisk,
} from './changingDisk.ts';
import { emptyFolder } from './emptyFolder.ts';

const CAPABILITIES = ['deflate', 'delta', 'resume', 'unchanged', 'bundle'];
const BYTES = 300_000;

interface Way {
  readonly name: string;
  readonly isVirtual?: true;
  readonly guests?: number;
  readonly bytes?: number;
  readonly options?: Partial<CopyOptions>;
  /** What the guest has of the file before. */
  readonly before?: (content: Buffer, receiver: FakeReceiver) => void;
  readonly disk?: (file: string, planned: readonly Change[]) => ChangingDisk;
}

const hasOld = (_: Buffer, receiver: FakeReceiver) => receiver.files.set('/d/f', Buffer.from('old'));
const hasPartial = (content: Buffer, receiver: FakeReceiver) => {
  hasOld(content, receiver);
  receiver.partials.set('/d/f', content.subarray(0, 100_000));
};
const WAYS: readonly Way[] = [
  { name: 'single', before: hasOld },
  { name: 'small', bytes: 20_000, before: hasOld },
  { name: 'several guests', guests: 3, before: hasOld },
  {
    name: 'delta',
    options: { delta: 'on' },
    before: (content, receiver) => receiver.files.set('/d/f', content.subarray(5_000)),
  },
  { name: 'resumed, where it was', before: hasPartial },
  {
    name: 'resumed, behind',
    before: hasPartial,
    disk: (file, planned) => changingDisk(file, planned, 200_000),
  },
  { name: 'virtual file system', isVirtual: true, disk: changingVirtualDisk, before: hasOld },
];

describe('sources that change', () => {
  const directory = emptyFolder();

  async function connect(t: TestContext, options: FakeReceiverOptions = {}) {
    const folder: NonNullable<FakeReceiverOptions['answer']> = ({ verb, fields }) =>
      verb === 'stat' && fields.get('path')?.toString() === '/d'
        ? [['done', { type: 'directory', path: '/d' }]]
        : undefined;
    const receiver = new FakeReceiver({
      capabilities: CAPABILITIES,
      ...options,
      answer: (message, stream) => options.answer?.(message, stream) ?? folder(message, stream),
    });
    const session = await openSession(new FakeLink(receiver));
    t.after(() => session.close());
    return { receiver, session };
  }

  function write(name: string, content: Buffer): string {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return file;
  }

  /** Copies a file that changes into each guest, and demands that guests and meters are as they should be. */
  async function copyChanging(t: TestContext, way: Way, ...planned: readonly Change[]) {
    const { guests: count = 1, bytes = BYTES, options, before, disk = changingDisk } = way;
    const content = randomBytes(bytes);
    const file = write('f', content);
    const changing = disk(file, planned);
    const guests = await Promise.all(Array.from({ length: count }, () => connect(t)));
    for (const { receiver } of guests) before?.(content, receiver);
    const old = guests.map(({ receiver }) => receiver.files.get('/d/f'));
    const progress: CopyProgress[] = [];
    const targets = guests.map(({ session }) => ({
      session,
      destination: '/d',
      options: {
        ...options,
        conflict: 'overwrite' as const,
        sourceSystem: changing.system,
        onProgress: (one: CopyProgress) => {
          progress.push(one);
        },
      },
    }));
    const results = await copyToMany(targets, [file]);
    for (const { receiver } of guests) assert.deepEqual(receiver.violations, []);
    for (const { bytesDone, bytesTotal, bytesPerSecond, filesDone } of progress) {
      assert.ok(bytesPerSecond >= 0, `${bytesPerSecond} bytes/s`);
      assert.ok(bytesDone >= 0 && (filesDone === 0 || bytesDone <= bytesTotal), `${bytesDone}/${bytesTotal}`);
    }
    const files = results.map(result => {
      assert.ok(result.status === 'fulfilled', String(Object(result).reason));
      return result.value.files[0] as FileResult;
    });
    return { opened: () => changing.opened, content, file, guests, old, files, progress };
  }

  function assertCopied(
    { guests, files }: Awaited<ReturnType<typeof copyChanging>>,
    expected: Buffer,
    changed?: 'grown',
  ): void {
    for (const [index, { receiver }] of guests.entries()) {
      const file = files[index];
      assert.equal(file?.error, undefined);
      assert.deepEqual([file?.verified, file?.changed], [true, changed]);
      assert.ok(receiver.files.get('/d/f')?.equals(expected), 'other bytes arrived');
      if (!file?.skipped) assert.equal(file?.bytes, expected.length);
    }
  }

  for (const way of WAYS)
    describe(way.name, () => {
      for (const change of ['truncated', 'overwritten'] as const) {
        it(`${change} once: copies what it is then`, async t => {
          const copied = await copyChanging(t, way, changes[change]);
          const now = fs.readFileSync(copied.file);
          assert.ok(!now.equals(copied.content));
          assertCopied(copied, now);
          for (const { bytesDone, bytesTotal } of copied.progress.slice(-1))
            assert.deepEqual([bytesDone, bytesTotal], [now.length, now.length]);
        });

        // What a virtual file system gives is at most the short version, which is one.
        if (change === 'truncated' && way.isVirtual) continue;
        it(`${change} again and again: fails, and the guest keeps what it had`, async t => {
          // Guests that go their own ways open it once each.
          const planned = Array<Change>(9).fill(changes[change]);
          const { guests, old, files } = await copyChanging(t, way, ...planned);
          assert.deepEqual(
            files.map(({ error, verified }) => [error?.code, verified]),
            guests.map(() => ['source-changed', false]),
          );
          for (const [index, { receiver }] of guests.entries()) {
            assert.equal(receiver.files.get('/d/f'), old[index]);
            assert.ok(!receiver.requests.includes('commit'));
          }
        });
      }

      it('grown: keeps the first part, and says so', async t => {
        // A virtual file system reads it a second time, as a whole.
        const planned = way.isVirtual ? Array<Change>(9).fill(changes.grown) : [changes.grown];
        const copied = await copyChanging(t, way, ...planned);
        assertCopied(copied, copied.content, 'grown');
        for (const { receiver } of copied.guests) assert.equal(receiver.puts.length, 1);
      });

      it('grown, and its first part overwritten: copies what it is then', async t => {
        const copied = await copyChanging(t, way, file => {
          changes.overwritten(file);
          changes.grown(file);
        });
        assertCopied(copied, fs.readFileSync(copied.file));
      });

      for (const change of ['renamed', 'deleted'] as const)
        it(`${change}: arrives whole all the same`, async t => {
          const copied = await copyChanging(t, way, changes[change]);
          assertCopied(copied, copied.content);
          for (const { receiver } of copied.guests) assert.equal(receiver.puts.length, 1);
        });
    });

  describe('in a bundle', () => {
    async function copyFolder(t: TestContext, ...planned: readonly Change[]) {
      const contents = new Map(['a', 'f', 'z'].map(name => [name, randomBytes(20_000)]));
      for (const [name, content] of contents) write(`top/${name}`, content);
      const file = path.join(directory, 'top/f');
      const { receiver, session } = await connect(t);
      const targets = [
        {
          session,
          destination: '/d',
          options: { conflict: 'fail', sourceSystem: changingDisk(file, planned).system } as const,
        },
      ];
      const [result] = await copyToMany(targets, [path.join(directory, 'top')]);
      assert.ok(result?.status === 'fulfilled');
      for (const name of ['a', 'z'])
        assert.ok(receiver.files.get(`/d/top/${name}`)?.equals(contents.get(name) as Buffer));
      const found = result.value.files.find(({ source }) => source === file) as FileResult;
      return { arrived: receiver.files.get('/d/top/f'), result: found, file, content: contents.get('f') };
    }

    for (const change of ['truncated', 'overwritten', 'grown'] as const)
      it(`${change}: goes alone, as what it is then`, async t => {
        const { arrived, result, file } = await copyFolder(t, changes[change]);
        assert.deepEqual([result.verified, result.changed], [true, undefined]);
        assert.ok(arrived?.equals(fs.readFileSync(file)));
      });

    it('grows and grows: keeps a first part, and says so', async t => {
      const { arrived, result, content } = await copyFolder(t, changes.grown, changes.grown);
      assert.deepEqual([result.verified, result.changed], [true, 'grown']);
      assert.ok(arrived?.equals(Buffer.concat([content as Buffer, Buffer.from('more')])));
    });

    it('overwritten again and again: fails', async t => {
      const { arrived, result } = await copyFolder(t, ...Array<Change>(9).fill(changes.overwritten));
      assert.equal(result.error?.code, 'source-changed');
      assert.equal(arrived, undefined);
    });
  });

  describe('compared by their hash', () => {
    const way: Way = {
      name: 'checksum',
      options: { checksum: true },
      before: (content, receiver) => receiver.files.set('/d/f', content),
    };

    it('overwritten: is copied, for the guest has another version', async t => {
      const copied = await copyChanging(t, way, changes.overwritten);
      assertCopied(copied, fs.readFileSync(copied.file));
      assert.equal(copied.files[0]?.skipped, false);
    });

    it('grown: says that the guest has the first part', async t => {
      const copied = await copyChanging(t, way, changes.grown);
      assertCopied(copied, copied.content, 'grown');
      assert.equal(copied.files[0]?.skipped, true);
    });
  });

  it('are copied as they are when their turn comes, not as they were when they were listed', async t => {
    const { receiver, session } = await connect(t);
    const [first, second] = [write('first', randomBytes(BYTES)), write('second', randomBytes(BYTES))];
    const change = () => {
      fs.appendFileSync(second, 'more');
      changes.overwritten(second);
    };
    const { system } = changingDisk(first, [change]);
    const targets = [
      { session, destination: '/d', options: { conflict: 'fail', sourceSystem: system } as const },
    ];
    const [result] = await copyToMany(targets, [first, second]);
    assert.ok(result?.status === 'fulfilled');
    assert.ok(result.value.files.every(({ verified, changed }) => verified && changed === undefined));
    assert.ok(receiver.files.get('/d/second')?.equals(fs.readFileSync(second)));
  });

  it('are sent only once to a device, which can take nothing back', async t => {
    const { receiver, session } = await connect(t, {
      answer: ({ verb }) => (verb === 'stat' ? [['done', { type: 'device', path: '/dev/x' }]] : undefined),
    });
    const file = write('f', randomBytes(BYTES));
    const { system } = changingDisk(file, [changes.overwritten]);
    const options = { conflict: 'overwrite', sourceSystem: system } as const;
    const [result] = await copyToMany([{ session, destination: '/dev/x', options }], [file]);
    assert.ok(result?.status === 'fulfilled');
    assert.equal(result.value.files[0]?.error?.code, 'source-changed');
    assert.equal(receiver.puts.length, 1);
  });

  it('leave a guest alone that has refused the file already', async t => {
    const file = write('f', randomBytes(BYTES));
    const good = await connect(t);
    const refusing = await connect(t, {
      answer: ({ verb }) => (verb === 'put' ? [['error', { code: 'no-space' }]] : undefined),
    });
    const { system } = changingDisk(file, [changes.overwritten]);
    const options = { conflict: 'overwrite', sourceSystem: system } as const;
    const targets = [good, refusing].map(({ session }) => ({ session, destination: '/d', options }));
    const [first, second] = await copyToMany(targets, [file]);
    assert.equal(first?.status === 'fulfilled' && first.value.files[0]?.verified, true);
    assert.equal(second?.status === 'fulfilled' && second.value.files[0]?.error?.code, 'no-space');
    assert.equal(refusing.receiver.requests.filter(verb => verb === 'put').length, 1);
  });

  it('are no longer waited for when the copy is cancelled', async t => {
    const { receiver, session } = await connect(t);
    const abort = new AbortController();
    // Of whole seconds, the last of which is not over for a long time.
    const version = { size: BYTES, mtimeMs: 1_000 * Math.ceil(Date.now() / 1_000 + 3_600) };
    let isClosed = false;
    let wasRead = false;
    const sourceSystem: SourceSystem = {
      ...localDisk,
      stat: async () => ({ type: 'file', mode: 0o644, ...version }),
      open: async () => ({
        read: async () => {
          wasRead = true;
          return 0;
        },
        version: async () => {
          abort.abort();
          return version;
        },
        rewind: async () => undefined,
        close: async () => {
          isClosed = true;
        },
      }),
    };
    const options = { conflict: 'overwrite', sourceSystem, signal: abort.signal } as const;
    const [result] = await copyToMany([{ session, destination: '/d', options }], ['/f']);
    assert.equal(result?.status === 'rejected' && result.reason.name, 'AbortError');
    assert.equal(receiver.requests.at(-1), 'cancel');
    assert.ok(!isClosed && !wasRead);
    await pollUntil('the file is closed', () => isClosed);
    assert.ok(!wasRead);
  });

  it('are not followed where a link has taken the place of a file in a folder', async t => {
    const secret = write('secret', randomBytes(BYTES));
    const file = write('folder/f', randomBytes(BYTES));
    // Whoever puts the link there can see to it that size and time are the same.
    for (const one of [secret, file]) fs.utimesSync(one, 1_700_000_000, 1_700_000_000);
    const { receiver, session } = await connect(t);
    const sourceSystem: SourceSystem = {
      ...localDisk,
      open: async opened => {
        fs.rmSync(file);
        fs.symlinkSync(secret, file);
        return localDisk.open(opened);
      },
    };
    const options = { conflict: 'overwrite', sourceSystem } as const;
    const folder = path.dirname(file);
    const [result] = await copyToMany([{ session, destination: '/d', options }], [folder]);
    assert.ok(result?.status === 'fulfilled');
    assert.equal(result.value.files[0]?.error?.code, 'source-changed');
    assert.deepEqual([...receiver.files.keys()], []);
  });

  it('are read once for all guests again', async t => {
    const several = { name: 'several guests', guests: 3 };
    const copied = await copyChanging(t, several, changes.overwritten);
    assertCopied(copied, fs.readFileSync(copied.file));
    assert.equal(copied.opened(), 2);
  });
});
