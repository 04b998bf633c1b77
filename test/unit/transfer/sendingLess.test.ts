// Compression, delta, resumption and the quick check (PROTOCOL.md §6) of the engine, against a fake receiver that checks.
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { openSession, type Session } from '../../../src/protocol/index.ts';
import { type CopyOptions, type CopyResult, copy } from '../../../src/transfer/index.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { FakeReceiver, type FakeReceiverOptions } from '../protocol/fakeReceiver.ts';
import { signatureOf } from '../protocol/signatureOf.ts';
import { emptyFolder } from './emptyFolder.ts';
import { endlessDisk } from './endlessDisk.ts';

const ALL = ['deflate', 'delta', 'resume', 'unchanged'];
/** Some text, no two lines the same. */
const text = (bytes: number) =>
  Buffer.from(Array.from({ length: bytes / 20 }, (_, line) => `line number ${line * 7_919}\n`).join(''));

describe('copy, sending less', () => {
  const directory = emptyFolder();
  let session: Session;
  let link: FakeLink;
  let receiver: FakeReceiver;

  afterEach(async () => {
    assert.deepEqual(receiver.violations, []);
    await session.close();
  });

  async function connect(options: FakeReceiverOptions = {}): Promise<void> {
    receiver = new FakeReceiver({ capabilities: ALL, ...options });
    link = new FakeLink(receiver);
    session = await openSession(link, { isChannel: true });
  }

  function write(name: string, content: string | Buffer): string {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return file;
  }

  const run = (sources: string[], destination: string, options: Partial<CopyOptions> = {}) =>
    copy(session, sources, destination, { conflict: 'fail', ...options });

  /** Copies the content to `/f` and demands that it arrived. */
  async function sent(content: Buffer, options: Partial<CopyOptions> = {}): Promise<CopyResult> {
    const result = await run([write('f', content)], '/f', options);
    assert.deepEqual(result.files[0]?.error, undefined);
    assert.ok(receiver.files.get('/f')?.equals(content), 'other bytes arrived');
    assert.equal(result.files[0]?.verified, true);
    return result;
  }

  for (const encoding of ['deflate', 'zstd'])
    describe(`compression, ${encoding}`, () => {
      const capabilities = [...ALL, encoding];
      it('compresses text on a slow line, over many pieces and in one small file', async () => {
        await connect({ capabilities });
        const content = text(500_000);
        const result = await sent(content);
        assert.ok(result.wireBytes < content.length / 3, `${result.wireBytes}`);
        assert.equal(receiver.puts.at(-1)?.encoding, encoding);
        await sent(text(2_000), { conflict: 'overwrite' });
        assert.equal(receiver.puts.at(-1)?.counts.plain, 0);
      });

      it('refers back over the border of two pieces', async () => {
        await connect({ capabilities });
        // Two pieces with the same 30,000 random bytes: only a stream that goes on makes the second small.
        const once = randomBytes(30_000);
        const piece = Buffer.concat([text(100_000).subarray(0, 16 * 4_088 - once.length), once]);
        const content = Buffer.concat([piece, once, randomBytes(10)]);
        const result = await sent(content, { compression: 'on' });
        assert.ok(result.wireBytes < 2 * once.length, `${result.wireBytes}`);
      });

      it('sends as it is what does not get smaller, and compresses again what follows', async () => {
        await connect({ capabilities });
        await sent(Buffer.concat([text(200_000), randomBytes(400_000), text(200_000)]));
        const counts = receiver.puts[0]?.counts;
        assert.ok(counts && counts.plain >= 80 && counts.plain < 130, JSON.stringify(counts));
        assert.ok(counts.encoded > 10, JSON.stringify(counts));
      });

      it('leaves everything as it is when told to', async () => {
        await connect({ capabilities });
        await sent(text(100_000), { compression: 'off' });
        assert.equal(receiver.puts[0]?.counts.encoded, 0);
      });

      it('does what it is told on a fast channel, too', async () => {
        await connect({ capabilities, device: 'channel', window: 1 << 20 });
        const content = text(3_000_000);
        const result = await sent(content, { compression: 'on' });
        assert.ok(result.wireBytes < content.length / 3);
      });
    });

  describe('compression', () => {
    it('is zstd where the receiver has both', async () => {
      await connect({ capabilities: ['deflate', 'zstd'] });
      await sent(text(100_000));
      assert.equal(receiver.puts[0]?.encoding, 'zstd');
    });

    it('compresses nothing for a receiver that cannot read it', async () => {
      await connect({ capabilities: [] });
      await sent(text(100_000), { compression: 'on' });
      assert.equal(receiver.puts[0]?.counts.encoded, 0);
    });
  });

  describe('delta', () => {
    const replace = { conflict: 'overwrite', compression: 'off' } as const;

    it('sends what changed, wherever it stands', async () => {
      await connect();
      const basis = randomBytes(600_000);
      receiver.files.set('/f', basis);
      const content = Buffer.concat([
        Buffer.from('in front'),
        basis.subarray(0, 300_000),
        basis.subarray(300_900),
      ]);
      const result = await sent(content, replace);
      assert.ok(result.wireBytes < 30_000, `${result.wireBytes}`);
      assert.ok((receiver.puts[0]?.counts.copy ?? 0) > 0);
    });

    it('compresses what is new', async () => {
      await connect();
      const basis = randomBytes(300_000);
      receiver.files.set('/f', basis);
      const content = Buffer.concat([basis, text(200_000)]);
      const result = await sent(content, { ...replace, compression: 'on' });
      assert.ok(result.wireBytes < 90_000, `${result.wireBytes}`);
    });

    it('takes a handful of frames for a file that is the same, and calls it verified', async () => {
      await connect();
      const content = randomBytes(400_000);
      receiver.files.set('/f', content);
      const result = await run([write('f', content)], '/f', replace);
      const [file] = result.files;
      assert.deepEqual([file?.skipped, file?.verified, file?.sha256], [true, true, hash('sha256', content)]);
      assert.ok(result.wireBytes < 2_000, `${result.wireBytes}`);
      assert.ok(receiver.files.get('/f')?.equals(content));
    });

    it('is left alone where it would not pay, may not be, or is not wanted', async () => {
      const basis = randomBytes(400_000);
      const content = Buffer.concat([basis, Buffer.from('more')]);
      const cases: Array<[FakeReceiverOptions, Partial<CopyOptions>]> = [
        [{ device: 'channel' }, replace],
        [{}, { ...replace, delta: 'off' }],
        [{ capabilities: ['resume'] }, { ...replace, delta: 'on' }],
      ];
      for (const [options, copyOptions] of cases) {
        await session?.close();
        await connect(options);
        receiver.files.set('/f', basis);
        await sent(content, copyOptions);
        assert.ok(!receiver.requests.includes('signature'));
      }
      await session.close();
      await connect({ device: 'channel' });
      receiver.files.set('/f', basis);
      await sent(content, { ...replace, delta: 'on' });
      assert.ok(receiver.requests.includes('signature'));
    });

    it('sends the file whole when the checksums lied', async () => {
      const basis = randomBytes(200_000);
      const content = randomBytes(200_001);
      // The guest says it has what the host has.
      await connect({ signature: (_file, block) => signatureOf(content.subarray(0, 200_000), block) });
      receiver.files.set('/f', basis);
      await sent(content, replace);
      assert.equal(receiver.puts.length, 2);
      assert.equal(receiver.puts[1]?.counts.copy, 0);
    });

    it('sends the file whole when the signature is nonsense', async () => {
      for (const nonsense of [Buffer.alloc(0), Buffer.alloc(12), Buffer.alloc(2_000_000), randomBytes(13)]) {
        await session?.close();
        await connect({ signature: () => nonsense });
        receiver.files.set('/f', randomBytes(200_000));
        await sent(randomBytes(150_000), replace);
        assert.equal(receiver.puts[0]?.counts.copy, 0);
      }
    });
  });

  describe('resumption', () => {
    it('goes on where the partial file ends, and says how much that was', async () => {
      await connect();
      const content = randomBytes(700_000);
      receiver.partials.set('/f', content.subarray(0, 450_000));
      const result = await sent(content);
      assert.equal(result.resumedFrom, 450_000);
      assert.equal(result.files[0]?.bytes, 700_000);
      assert.ok(result.wireBytes < 270_000, `${result.wireBytes}`);
    });

    it('commits at once what is all there', async () => {
      await connect();
      const content = randomBytes(300_000);
      receiver.partials.set('/f', content);
      const result = await sent(content);
      assert.equal(result.resumedFrom, 300_000);
      assert.ok(result.wireBytes < 2_000, `${result.wireBytes}`);
    });

    it('begins anew where the partial file is of something else', async () => {
      await connect();
      receiver.partials.set('/f', randomBytes(100_000));
      const result = await sent(randomBytes(300_000));
      assert.equal(result.resumedFrom, 0);
      await session.close();
      await connect();
      receiver.partials.set('/f', randomBytes(400_000));
      assert.equal((await sent(randomBytes(300_000))).resumedFrom, 0);
    });

    it('searches the rest for what the old file has', async () => {
      await connect();
      const content = randomBytes(600_000);
      receiver.partials.set('/f', content.subarray(0, 200_000));
      receiver.files.set('/f', content.subarray(100));
      const result = await sent(content, { conflict: 'overwrite', compression: 'off' });
      assert.equal(result.resumedFrom, 200_000);
      assert.ok(result.wireBytes < 30_000, `${result.wireBytes}`);
    });

    it('counts progress from there, but not as speed', async () => {
      await connect();
      const content = randomBytes(2_000_000);
      receiver.partials.set('/f', content.subarray(0, 1_999_000));
      const done: number[] = [];
      let lastRate = 0;
      const onProgress: CopyOptions['onProgress'] = progress => {
        done.push(progress.bytesDone);
        lastRate = progress.bytesPerSecond;
      };
      const result = await sent(content, { onProgress });
      assert.equal(done.at(-1), 2_000_000);
      assert.ok(lastRate * result.seconds < 200_000, `${lastRate} bytes/s`);
    });

    /** Cancels a file that never ends after some 300 kB. */
    async function cancelled(change: Partial<CopyOptions> = {}): Promise<void> {
      const abort = new AbortController();
      const options: Partial<CopyOptions> = {
        signal: abort.signal,
        sourceSystem: endlessDisk,
        compression: 'off',
        onProgress: ({ bytesDone }) => bytesDone > 300_000 && abort.abort(),
        ...change,
      };
      await assert.rejects(run([write('f', Buffer.alloc(400_000))], '/f', options), { name: 'AbortError' });
      assert.equal(receiver.requests.at(-1), 'cancel');
    }

    it('keeps nothing when the user cancels', async () => {
      await connect();
      await cancelled();
      assert.equal(receiver.partials.size, 0);
    });

    it('keeps what has arrived where the copy is told to, and goes on with it', async () => {
      await connect();
      await cancelled({ keepPartial: true });
      const arrived = receiver.partials.get('/f')?.length ?? 0;
      assert.ok(arrived > 300_000, `${arrived}`);
      const result = await sent(Buffer.alloc(arrived + 100_000, 7), { keepPartial: true });
      assert.equal(result.resumedFrom, arrived);
      assert.equal(receiver.partials.size, 0);
    });

    it('keeps it, too, when cancelled before the receiver has answered', async () => {
      const abort = new AbortController();
      const keeps: unknown[] = [];
      await connect({
        answer: ({ verb, fields }) => {
          if (verb !== 'put' && verb !== 'cancel') return undefined;
          if (verb === 'cancel') {
            keeps.push(fields.get('keep')?.toString());
            return [['error', { code: 'cancelled' }]];
          }
          abort.abort();
          return [];
        },
      });
      const options = { signal: abort.signal, keepPartial: true };
      await assert.rejects(run([write('f', Buffer.alloc(400_000))], '/f', options), { name: 'AbortError' });
      assert.deepEqual(keeps, ['1']);
    });
  });

  describe('files that are there already', () => {
    /** A folder of three files, copied once; then the middle one gets new content of the same size. */
    async function copiedFolder(options: FakeReceiverOptions = {}): Promise<string> {
      let isOld = false;
      await connect({
        answer: ({ verb, fields }) => {
          if (verb !== 'mkdir' || !isOld) {
            isOld ||= verb === 'mkdir';
            return undefined;
          }
          return [['done', { path: fields.get('path'), existed: 1 }]];
        },
        ...options,
      });
      for (const name of ['a', 'b', 'c']) write(`top/${name}`, `content of ${name}`);
      const top = path.join(directory, 'top');
      await run([top], '/d');
      assert.deepEqual([...receiver.files.keys()].sort(), ['/d/a', '/d/b', '/d/c']);
      write('top/b', 'another b...');
      fs.utimesSync(path.join(top, 'b'), 1, 1);
      receiver.requests.length = 0;
      return top;
    }
    const states = (result: CopyResult) =>
      Object.fromEntries(
        result.files.map(file => [
          path.basename(file.source),
          file.skipped ? (file.verified ? 'identical' : file.unchanged ? 'unchanged' : 'skipped') : 'copied',
        ]),
      );

    it('skips files of a folder by size and mtime, unverified, whatever the policy but rename', async () => {
      const top = await copiedFolder();
      const result = await run([top], '/d', { conflict: 'overwrite' });
      assert.deepEqual(states(result), { a: 'unchanged', b: 'copied', c: 'unchanged' });
      assert.equal(receiver.files.get('/d/b')?.toString(), 'another b...');
      assert.deepEqual(states(await run([top], '/d')), { a: 'unchanged', b: 'unchanged', c: 'unchanged' });
    });

    it('compares them by content with `checksum`', async () => {
      const top = await copiedFolder();
      fs.utimesSync(path.join(top, 'a'), 5, 5);
      const result = await run([top], '/d', { conflict: 'overwrite', checksum: true });
      assert.deepEqual(states(result), { a: 'identical', b: 'copied', c: 'identical' });
    });

    it('goes by the name or the hash where the receiver has no quick check', async () => {
      const top = await copiedFolder({ capabilities: [] });
      const result = await run([top], '/d');
      assert.equal(result.files.find(file => file.source.endsWith('a'))?.verified, true);
      assert.equal(result.files.find(file => file.source.endsWith('b'))?.error?.code, 'exists');
    });

    it('puts small files side by side, without waiting for the one before', async () => {
      await connect();
      for (let count = 0; count < 40; count += 1) write(`many/${count}`, `file ${count}`);
      const result = await run([path.join(directory, 'many')], '/d');
      assert.equal(result.files.filter(file => file.verified).length, 40);
      assert.equal(receiver.files.get('/d/17')?.toString(), 'file 17');
      const { requests } = receiver;
      const first = requests.slice(0, requests.indexOf('commit'));
      assert.ok(first.filter(request => request === 'put').length > 2, first.join(' '));
    });
  });
});
