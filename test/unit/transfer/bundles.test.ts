// Small files of a copy, many in one request: what goes together, what goes alone, and what becomes of each.
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { openSession, type Session } from '../../../src/protocol/index.ts';
import {
  directoryAttributesRecord,
  fileRecord,
  newDirectoryRecord,
  parseRecordNumbers,
} from '../../../src/transfer/bundle/bundleRecord.ts';
import {
  type CopyOptions,
  type CopyResult,
  copy,
  copyToMany,
  localDisk,
} from '../../../src/transfer/index.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { type Answer, FakeReceiver, type FakeReceiverOptions } from '../protocol/fakeReceiver.ts';
import { emptyFolder } from './emptyFolder.ts';

interface RecordVector {
  name: string;
  mode: number;
  mtime: string;
  size: number;
  content: string;
}

interface BundleVector {
  name: string;
  records: RecordVector[];
  stream: string;
}

const NO_MTIME = String(0xffff_ffff_ffff_ffffn);

describe('records of a bundle', () => {
  const file = path.join(import.meta.dirname, '../../vectors/bundles.json');
  const vectors = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, BundleVector[]>;

  // Bits that no host sends, and a file without mtime, are in the vectors too.
  const isSent = ({ mode, mtime, name }: RecordVector) =>
    (mode <= 0o777 || mode === 0xffff) && (mtime !== NO_MTIME || name.endsWith('2f'));

  for (const one of [...(vectors.trees ?? []), ...(vectors.comparisons ?? [])])
    if (one.records.length > 0 && one.records.every(isSent))
      it(`are as the receivers expect them: ${one.name}`, () => {
        const parts = one.records.flatMap(record => [encode(record), Buffer.from(record.content, 'hex')]);
        assert.equal(Buffer.concat(parts).toString('hex'), one.stream);
      });

  function encode({ name, mode, mtime, size }: RecordVector): Buffer {
    const bytes = Buffer.from(name, 'hex');
    const isNew = mtime === NO_MTIME;
    const info = {
      type: 'file',
      size,
      mtimeMs: 0,
      mtimeNs: isNew ? 0n : BigInt(mtime),
      mode: mode === 0xffff ? undefined : mode,
    } as const;
    if (bytes.at(-1) !== 0x2f) return fileRecord(bytes, info);
    const directory = bytes.subarray(0, -1);
    return isNew ? newDirectoryRecord(directory, info) : directoryAttributesRecord(directory, info);
  }
});

describe('lists of record numbers', () => {
  it('are read as they are written', () => {
    const read = (text: string | undefined, count = 1_024) => [...parseRecordNumbers(text, count)];
    assert.deepEqual(read(undefined), []);
    assert.deepEqual(read('0'), [0]);
    assert.deepEqual(read('3,7-9'), [3, 7, 8, 9]);
    assert.deepEqual(read('7-9,1020-9999', 9), [7, 8]);
    assert.deepEqual(read('x,-1,1-,2--3,99999,0x1,5'), [5]);
    assert.deepEqual(read('9-7'), []);
  });
});

describe('copy in bundles', () => {
  const directory = emptyFolder();
  let session: Session;
  let receiver: FakeReceiver;

  beforeEach(t => {
    if ('after' in t) t.after(() => session?.close());
  });

  const folder = (message: { verb: string; fields: Map<string, Buffer> }): Answer[] | undefined =>
    message.verb === 'stat' && message.fields.get('path')?.toString() === '/d'
      ? [['done', { type: 'directory', path: '/d' }]]
      : undefined;

  async function connect(options: FakeReceiverOptions = {}): Promise<void> {
    const capabilities = ['bundle', 'unchanged', 'deflate'];
    receiver = new FakeReceiver({
      device: 'channel',
      frame: 65_536,
      window: 1 << 20,
      capabilities,
      ...options,
      answer: (message, stream) => options.answer?.(message, stream) ?? folder(message),
    });
    session = await openSession(new FakeLink(receiver), { isChannel: true });
  }

  function write(name: string, content: string | Buffer): string {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return file;
  }

  const top = () => path.join(directory, 'top');
  const run = (options: Partial<CopyOptions> = {}, sources = [top()]) =>
    copy(session, sources, '/d', { conflict: 'fail', ...options });
  const count = (verb: string) => receiver.requests.filter(request => request === verb).length;
  const destinations = (result: CopyResult) => result.files.map(file => file.destination).sort();

  function writeTree(files = 40): Map<string, string> {
    const contents = new Map<string, string>();
    for (let number = 0; number < files; number += 1) {
      const name = `${number % 5}/inner/${number}`;
      contents.set(`/d/top/${name}`, `file ${number}`);
      write(`top/${name}`, `file ${number}`);
    }
    return contents;
  }

  it('brings a new tree over with one request for its top and few for the rest', async () => {
    await connect();
    const contents = writeTree();
    fs.chmodSync(path.join(top(), '1'), 0o500);
    const progress: number[] = [];
    const result = await run({
      onProgress: ({ filesDone, bytesDone }) => progress.push(filesDone, bytesDone),
    });
    assert.equal(result.files.length, 40);
    for (const { destination, sha256, verified, skipped, bytes } of result.files) {
      const content = contents.get(destination) ?? assert.fail(destination);
      assert.deepEqual([sha256, verified, skipped], [hash('sha256', content), true, false]);
      assert.equal(bytes, content.length);
      assert.equal(receiver.files.get(destination)?.toString(), content);
    }
    assert.deepEqual([count('put'), count('mkdir'), count('attributes')], [0, 1, 0]);
    assert.equal(receiver.bundles.length, 2);
    const made = receiver.bundles[0]?.filter(({ name }) => name.endsWith('/')) ?? [];
    assert.equal(made.length, 10);
    assert.ok(made.every(({ mtime }) => String(mtime) === NO_MTIME));
    assert.equal(made.find(({ name }) => name === 'top/1/')?.mode, 0o700);
    const ends = receiver.bundles[1] ?? [];
    assert.equal(ends.find(({ name }) => name === 'top/1/')?.mode, 0o500);
    assert.ok(
      ends.findIndex(({ name }) => name === 'top/1/inner/') < ends.findIndex(({ name }) => name === 'top/1/'),
    );
    assert.deepEqual(progress.slice(-2), [40, result.bytes]);
    assert.deepEqual(receiver.violations, []);
  });

  it('compresses a bundle as a whole on a slow line', async () => {
    await connect({ device: 'uart', frame: 4_096, window: 16_384 });
    for (let number = 0; number < 50; number += 1) write(`top/${number}`, 'much the same\n'.repeat(50));
    const result = await run();
    assert.equal(result.files.filter(file => file.verified).length, 50);
    assert.ok(result.wireBytes < 8_000, String(result.wireBytes));
    assert.deepEqual(receiver.violations, []);
  });

  it('keeps within what a receiver takes, and brings large files over beside', async () => {
    await connect();
    for (let number = 0; number < 60; number += 1) write(`top/s${number}`, randomBytes(40_000));
    for (let number = 0; number < 1_500; number += 1) write(`top/empty/${number}`, '');
    const large = randomBytes(300_000);
    write('top/deep/new/large', large);
    fs.symlinkSync('large', path.join(top(), 'deep/new/link'));
    const result = await run();
    assert.equal(result.files.filter(file => file.verified).length, 1_562);
    assert.deepEqual(
      result.files.filter(file => file.symlink).map(file => file.destination),
      ['/d/top/deep/new/link'],
    );
    assert.ok(receiver.files.get('/d/top/deep/new/large')?.equals(large));
    for (const bundle of receiver.bundles) {
      assert.ok(bundle.length <= 1_024);
      assert.ok(
        bundle.reduce((sum, { name, content }) => sum + 16 + name.length + content.length, 0) <= 1 << 20,
      );
    }
    assert.equal(count('put'), 1);
  });

  it('sends a directory before the large file or the link that is in it', async () => {
    const order: string[] = [];
    await connect({
      answer: ({ verb, fields }) => {
        if (verb === 'put' || verb === 'symlink') order.push(fields.get('path')?.toString() ?? '');
        if (verb === 'put' || verb === 'symlink')
          assert.ok(receiver.directories.has('/d/top/new/'), 'its directory is not there');
        return undefined;
      },
    });
    write('top/new/large', randomBytes(100_000));
    fs.symlinkSync('large', path.join(top(), 'new/link'));
    const result = await run();
    assert.deepEqual(order.sort(), ['/d/top/new/large', '/d/top/new/link']);
    assert.equal(result.files.filter(file => file.verified).length, 2);
  });

  it('puts alone what is left, and says of it what a put says', async () => {
    const refused: Answer[] = [['error', { code: 'no-space', message: 'full' }]];
    await connect({
      leaves: path => path.endsWith('7') || path.endsWith('/3/inner/'),
      answer: ({ verb, fields }) =>
        verb === 'put' && fields.get('path')?.toString().endsWith('/17') ? refused : undefined,
    });
    const contents = writeTree();
    const result = await run();
    assert.deepEqual(destinations(result), [...contents.keys()].sort());
    const failed = result.files.filter(file => file.error);
    assert.deepEqual(
      failed.map(file => [file.destination, file.error?.code]),
      [['/d/top/2/inner/17', 'no-space']],
    );
    assert.equal(result.files.filter(file => file.verified).length, 39);
    assert.deepEqual([count('put'), count('mkdir')], [4, 2]);
  });

  it("takes over what the guest notes on a put, on a bundle's files and on its folders", async () => {
    await connect({ notes: { notes: 'mode,times,Bad Note', 'note-mode': '1', 'note-times': '0-2,9' } });
    writeTree(2);
    write('top/0/large', randomBytes(100_000));
    const result = await run();
    const notesOf = (name: string) => result.files.find(file => file.destination.endsWith(name))?.notes;
    assert.deepEqual(notesOf('/large'), ['mode', 'times']);
    const names = receiver.bundles[0]?.map(record => record.name) ?? [];
    const noted = new Map(
      [...result.files, ...(result.folders ?? [])].map(one => [one.destination, one.notes]),
    );
    for (const [number, wanted] of [['times'], ['mode', 'times'], ['times'], undefined].entries()) {
      const name = names[number]?.replace(/\/$/, '');
      const others = receiver.bundles[1]?.map(record => record.name.replace(/\/$/, '')) ?? [];
      if (!others.includes(name ?? '')) assert.deepEqual(noted.get(`/d/${name}`), wanted, name);
    }
    assert.ok(result.folders?.some(({ notes }) => notes.includes('mode')));
  });

  it('puts all of it alone where a bundle is refused', async () => {
    await connect({
      answer: ({ verb }) => (verb === 'bundle' ? [['error', { code: 'io', message: 'x' }]] : undefined),
    });
    const contents = writeTree(10);
    const result = await run();
    assert.equal(result.files.filter(file => file.verified).length, contents.size);
    assert.deepEqual([count('put'), count('mkdir'), count('attributes')], [10, 11, 11]);
  });

  it('does not believe a guest that answers with another hash', async () => {
    await connect({
      answer: ({ verb, fields }) =>
        verb === 'commit' && fields.get('size')?.toString() !== '6'
          ? [['done', { path: '/d', size: String(fields.get('size')), sha256: hash('sha256', 'x') }]]
          : undefined,
    });
    writeTree(2);
    const result = await run();
    assert.deepEqual(
      result.files.map(({ verified, bytes }) => [verified, bytes]),
      [
        [true, 6],
        [true, 6],
      ],
    );
    assert.equal(count('put'), 2);
  });

  describe('where there is something already', () => {
    async function copiedTree(): Promise<Map<string, string>> {
      const contents = writeTree();
      await connect({ answer: existing });
      await run();
      receiver.bundles.length = receiver.compares.length = receiver.requests.length = 0;
      return contents;
    }

    /** From the second copy on the folders are there. */
    function existing({ verb, fields }: { verb: string; fields: Map<string, Buffer> }): Answer[] | undefined {
      const path = fields.get('path')?.toString() ?? '';
      return verb === 'mkdir' && receiver.files.size > 0 ? [['done', { path, existed: 1 }]] : undefined;
    }

    it('asks first, and sends nothing of what is unchanged', async () => {
      await copiedTree();
      const result = await run({ conflict: 'overwrite' });
      assert.ok(result.files.every(file => file.unchanged && file.skipped && file.sha256 === null));
      assert.deepEqual(destinations(result).length, 40);
      assert.deepEqual([receiver.bundles.length, receiver.compares.length, count('put')], [0, 1, 0]);
    });

    it('sends what is new or changed together', async () => {
      await copiedTree();
      write('top/1/inner/1', 'another content');
      write('top/1/inner/new', 'new');
      const result = await run({ conflict: 'overwrite' });
      assert.deepEqual(
        result.files
          .filter(file => file.verified)
          .map(file => path.basename(file.source))
          .sort(),
        ['1', 'new'],
      );
      assert.equal(receiver.files.get('/d/top/1/inner/1')?.toString(), 'another content');
      assert.deepEqual([receiver.bundles.length, count('put')], [1, 0]);
    });

    it('leaves what is there and differs to a put, which tells of the conflict', async () => {
      await copiedTree();
      write('top/1/inner/1', 'another content');
      write('top/1/inner/new', 'new');
      write('top/1/inner/new too', 'new');
      const asked: string[] = [];
      const result = await run({
        conflict: 'ask',
        onConflict: async ({ destination }) => {
          asked.push(destination);
          return { action: 'overwrite' };
        },
      });
      assert.deepEqual(asked, ['/d/top/1/inner/1']);
      assert.equal(result.files.filter(file => file.verified).length, 3);
      assert.equal(receiver.files.get('/d/top/1/inner/1')?.toString(), 'another content');
      assert.equal(receiver.bundles[0]?.length, 2);
    });

    it('looks at contents, one by one, with `checksum`', async () => {
      await copiedTree();
      const result = await run({ conflict: 'overwrite', checksum: true });
      assert.ok(result.files.every(file => file.verified && file.skipped));
      assert.equal(receiver.compares.length, 0);
    });

    it('does not take files that were named for unchanged', async () => {
      await connect();
      const files = ['a', 'b', 'c'].map(name => write(name, `content ${name}`));
      await run({}, files);
      const result = await run({ conflict: 'overwrite' }, files);
      assert.equal(result.files.filter(file => file.verified && !file.skipped).length, 3);
      assert.deepEqual([receiver.bundles.length, receiver.compares.length, count('put')], [2, 1, 0]);
    });
  });

  it('puts a file alone that changes or goes while it is read', async () => {
    await connect();
    writeTree(6);
    const sourceSystem = {
      ...localDisk,
      readStart: async (file: string, bytes: number) => {
        if (file.endsWith('1')) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
        const start = await (localDisk.readStart?.(file, bytes) ?? assert.fail());
        return file.endsWith('2')
          ? { ...start, bytes: Buffer.concat([start.bytes, Buffer.from('.')]) }
          : start;
      },
    };
    const result = await run({ sourceSystem });
    assert.equal(result.files.filter(file => file.verified).length, 6);
    assert.equal(count('put'), 2);
  });

  it('reads through a source system that has nothing but `open`', async () => {
    await connect();
    writeTree(6);
    const { readStart: _, ...sourceSystem } = localDisk;
    const result = await run({ sourceSystem });
    assert.equal(result.files.filter(file => file.verified).length, 6);
    assert.equal(count('put'), 0);
  });

  it('ends at once when it is cancelled, with every file accounted for', async () => {
    const controller = new AbortController();
    await connect({
      answer: ({ verb }) => {
        if (verb !== 'bundle') return undefined;
        controller.abort();
        return [];
      },
    });
    for (let number = 0; number < 300; number += 1) write(`top/${number}`, randomBytes(8_000));
    let interrupted: CopyResult | undefined;
    const onInterrupted = (result: CopyResult) => {
      interrupted = result;
    };
    await assert.rejects(run({ signal: controller.signal, onInterrupted }), { name: 'AbortError' });
    assert.ok(interrupted?.files.every(file => file.error?.code === 'aborted'));
    assert.ok((interrupted?.files.length ?? 0) > 0);
  });

  it('ends when the session does', async () => {
    await connect({
      answer: ({ verb }) => {
        if (verb === 'bundle') receiver.reset('bye');
        return undefined;
      },
    });
    writeTree(20);
    await assert.rejects(run(), { code: 'reset' });
  });

  it('serves several guests, with and without bundles', async () => {
    const contents = writeTree();
    const receivers: FakeReceiver[] = [];
    const targets = [];
    for (const capabilities of [['bundle'], ['bundle'], []]) {
      const guest = new FakeReceiver({ capabilities, answer: folder });
      receivers.push(guest);
      const opened = await openSession(new FakeLink(guest), { isChannel: true });
      targets.push({ session: opened, destination: '/d', options: { conflict: 'fail' as const } });
    }
    const results = await copyToMany(targets, [top()]);
    for (const { session: opened } of targets) await opened.close();
    for (const [index, result] of results.entries()) {
      assert.ok(result.status === 'fulfilled');
      assert.equal(result.value.files.filter(file => file.verified).length, contents.size);
      for (const [name, content] of contents)
        assert.equal(receivers[index]?.files.get(name)?.toString(), content);
    }
    assert.deepEqual(
      receivers.map(guest => guest.bundles.length > 0),
      [true, true, false],
    );
  });
});
