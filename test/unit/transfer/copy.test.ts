// The engine against a fake receiver: decisions, errors and cancellation. Real guests are in test/integration/transfer.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { openSession, type Session } from '../../../src/protocol/index.ts';
import {
  type Conflict,
  type CopyOptions,
  type CopyProgress,
  type CopyResult,
  copy,
} from '../../../src/transfer/index.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { type Answer, FakeReceiver, type FakeReceiverOptions } from '../protocol/fakeReceiver.ts';
import { emptyFolder } from './emptyFolder.ts';
import { endlessDisk } from './endlessDisk.ts';

const sha256 = (content: string | Buffer) => crypto.createHash('sha256').update(content).digest('hex');

describe('copy', () => {
  const directory = emptyFolder();
  let session: Session;
  let receiver: FakeReceiver;

  beforeEach(t => {
    if ('after' in t) t.after(() => session?.close());
  });

  async function connect(options: FakeReceiverOptions = {}): Promise<void> {
    receiver = new FakeReceiver(options);
    session = await openSession(new FakeLink(receiver), { isChannel: true });
  }

  function write(name: string, content: string | Buffer): string {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return file;
  }

  /** A receiver in which `/there` exists, with this content, until it is overwritten. */
  const existing = (content: string): FakeReceiverOptions => ({
    answer(message): Answer[] | undefined {
      const field = (key: string) => message.fields.get(key)?.toString();
      const isThere = field('path')?.startsWith('/there');
      if (message.verb === 'stat' && isThere && field('hash'))
        return [['done', { type: 'file', size: content.length, sha256: sha256(content) }]];
      if (message.verb === 'put' && isThere && field('conflict') === 'fail')
        return [
          [
            'error',
            { code: 'exists', path: field('path'), type: 'file', size: content.length, mtime: '12.5' },
          ],
        ];
      return undefined;
    },
  });

  const run = (sources: string[], destination: string, options: Partial<CopyOptions> = {}) =>
    copy(session, sources, destination, { conflict: 'fail', ...options });

  it('copies a file to exactly the name given', async () => {
    await connect();
    const result = await run([write('a', 'hello')], '/b');
    assert.deepEqual(receiver.files.get('/b')?.toString(), 'hello');
    assert.deepEqual(result.files[0], {
      source: path.join(directory, 'a'),
      destination: '/b',
      bytes: 5,
      sha256: sha256('hello'),
      verified: true,
      skipped: false,
    });
    assert.equal(result.bytes, 5);
    assert.ok(result.wireBytes > 5);
  });

  it('wants a directory for several sources and for a closing separator', async () => {
    await connect();
    const file = write('a', '');
    await assert.rejects(run([file, file], '/b'), { code: 'no-directory' });
    await assert.rejects(run([file], '/b/'), { code: 'no-directory' });
    await session.close();
    await connect({ answer: ({ verb }) => (verb === 'stat' ? [['done', { type: 'file' }]] : undefined) });
    await assert.rejects(run([file], '/b/'), { code: 'not-a-directory' });
  });

  it('puts sources under their own names into a directory, whatever stands behind their paths', async () => {
    await connect({
      answer: ({ verb }) => (verb === 'stat' ? [['done', { type: 'directory', path: '/d' }]] : undefined),
    });
    write('folder/inner/file', 'x');
    const result = await run([write('a', 'hello'), `${directory}/folder/.`], '/d/.');
    assert.deepEqual(result.files.map(file => file.destination).sort(), ['/d/a', '/d/folder/inner/file']);
  });

  it('skips an identical file, verified, without asking', async () => {
    await connect(existing('same'));
    const onConflict = () => assert.fail('asked');
    const result = await run([write('a', 'same')], '/there', { conflict: 'ask', onConflict });
    assert.deepEqual([result.files[0]?.skipped, result.files[0]?.verified], [true, true]);
    assert.equal(result.bytes, 0);
  });

  it('reports a different file as an error where nobody can be asked', async () => {
    await connect(existing('other'));
    const result = await run([write('a', 'mine!')], '/there');
    assert.equal(result.files[0]?.error?.code, 'exists');
    assert.equal(receiver.files.size, 0);
  });

  it('asks with what is known of both sides, and does what is answered', async () => {
    await connect(existing('other'));
    const asked: Conflict[] = [];
    const file = write('a', 'longer than that');
    const result = await run([file], '/there', {
      conflict: 'ask',
      onConflict: async conflict => {
        asked.push(conflict);
        return { action: 'overwrite' };
      },
    });
    assert.equal(asked.length, 1);
    assert.deepEqual(asked[0]?.existing, { type: 'file', size: 5, mtimeMs: 12_500 });
    assert.equal(asked[0]?.sourceInfo.size, 16);
    assert.equal(receiver.files.get('/there')?.toString(), 'longer than that');
    assert.equal(result.files[0]?.verified, true);
  });

  it('asks once for all, and one question at a time', async () => {
    await connect(existing('other'));
    for (let count = 0; count < 10; count += 1) write(`there/${count}`, `mine ${count}`);
    let asking = 0;
    let questions = 0;
    const result = await run([path.join(directory, 'there')], '/there', {
      conflict: 'ask',
      onConflict: async () => {
        questions += 1;
        asking += 1;
        assert.equal(asking, 1);
        await new Promise(setImmediate);
        asking -= 1;
        return { action: 'overwrite', forAll: questions === 2 };
      },
    });
    assert.equal(questions, 2);
    assert.equal(result.files.filter(file => file.verified).length, 10);
  });

  it('stops everything when the question is answered by "cancel"', async () => {
    await connect(existing('other'));
    const onConflict = async () => ({ action: 'cancel' as const });
    await assert.rejects(run([write('a', 'mine!')], '/there', { conflict: 'ask', onConflict }), {
      name: 'AbortError',
    });
  });

  it('goes on after a file that cannot be read, made or copied', async () => {
    await connect({
      answer: ({ verb, fields }) =>
        verb === 'put' && fields.get('path')?.toString().endsWith('/full')
          ? [['error', { code: 'no-space', message: 'disk full' }]]
          : verb === 'mkdir' && fields.get('path')?.toString().endsWith('/shut')
            ? [['error', { code: 'permission', message: 'no' }]]
            : undefined,
    });
    for (const name of ['top/good', 'top/full', 'top/shut/never', 'top/last']) write(name, name);
    fs.mkdirSync(path.join(directory, 'top/fifos'));
    const result = await run([path.join(directory, 'missing'), path.join(directory, 'top')], '/x').catch(
      error => error,
    );
    assert.equal(result.code, 'no-directory');
    const one = await run([path.join(directory, 'top')], '/x');
    const codes = Object.fromEntries(
      one.files.map(file => [path.basename(file.source), file.error?.code ?? 'ok']),
    );
    assert.deepEqual(codes, { good: 'ok', full: 'no-space', shut: 'permission', last: 'ok' });
    const lost = await run([path.join(directory, 'missing')], '/x');
    assert.equal(lost.files[0]?.error?.code, 'ENOENT');
  });

  it('stops sending a large file that is refused', async () => {
    await connect({ answer: ({ verb }) => (verb === 'put' ? [['error', { code: 'no-space' }]] : undefined) });
    const result = await run([write('large', Buffer.alloc(10_000_000))], '/x');
    assert.equal(result.files[0]?.error?.code, 'no-space');
    assert.ok(result.wireBytes < 100_000, `${result.wireBytes} bytes for nothing`);
  });

  it('believes the hash of the guest, not its word', async () => {
    await connect({
      answer: ({ verb }) =>
        verb === 'commit' ? [['done', { path: '/x', size: 5, sha256: sha256('other') }]] : undefined,
    });
    const result = await run([write('a', 'hello')], '/x');
    assert.equal(result.files[0]?.verified, false);
    assert.equal(result.files[0]?.error?.code, 'hash-mismatch');
  });

  it("refuses a name with the guest's separator in it", async () => {
    await connect();
    Object.assign(session.welcome, { separator: '\\' });
    write('top/..\\..\\evil', 'x');
    const result = await run([path.join(directory, 'top')], 'C:\\x');
    assert.deepEqual(
      result.files.map(file => file.error?.code),
      ['bad-name'],
    );
    assert.equal(receiver.files.size, 0);
  });

  it('cancels at once, and the receiver is told', async () => {
    await connect({ window: 8_192 });
    const abort = new AbortController();
    const onProgress = (progress: CopyProgress) => {
      if (progress.bytesDone > 1_000_000) abort.abort();
    };
    let partial: CopyResult | undefined;
    const copying = run([write('a', Buffer.alloc(100_000))], '/x', {
      signal: abort.signal,
      onProgress,
      onInterrupted: result => {
        partial = result;
      },
      sourceSystem: endlessDisk,
    });
    await assert.rejects(copying, { name: 'AbortError' });
    assert.equal(receiver.requests.at(-1), 'cancel');
    assert.equal(receiver.files.size, 0);
    assert.deepEqual(partial?.leftovers, []);
  });

  it('says where something unfinished may stay when the receiver has not said that it is gone', async () => {
    for (const size of [100, 400_000]) {
      const abort = new AbortController();
      await connect({
        answer: ({ verb }) => {
          if (verb === 'commit') abort.abort();
          // Its answer never comes: the line is cut.
          if (verb === 'commit') setImmediate(() => void broken.close());
          return verb === 'commit' || verb === 'cancel' ? [] : undefined;
        },
      });
      const broken = session;
      let partial: CopyResult | undefined;
      const onInterrupted = (result: CopyResult) => {
        partial = result;
      };
      const sources = [write('a', Buffer.alloc(size))];
      await assert.rejects(run(sources, '/x', { signal: abort.signal, onInterrupted }));
      assert.deepEqual(partial?.leftovers, ['/x']);
    }
  });

  it('rejects at once when it was cancelled before', async () => {
    await connect();
    await assert.rejects(run([write('a', 'x')], '/x', { signal: AbortSignal.abort() }), {
      name: 'AbortError',
    });
    assert.deepEqual(receiver.requests, []);
  });

  it('rejects when the link breaks, whatever was under way', async () => {
    let commits = 0;
    await connect({
      answer: ({ verb }) => {
        if (verb === 'commit') commits += 1;
        return verb === 'commit' && commits > 1 ? [] : undefined;
      },
    });
    // Its own: late reports come when the next test has its session already.
    const broken = session;
    for (const name of ['top/a', 'top/b', 'top/c']) write(name, name);
    let partial: CopyResult | undefined;
    const onInterrupted = (result: CopyResult) => {
      partial = result;
    };
    const onProgress = ({ filesDone }: CopyProgress) => {
      if (filesDone > 0) void broken.close();
    };
    await assert.rejects(run([path.join(directory, 'top')], '/x', { onInterrupted, onProgress }), {
      code: 'closed',
    });
    assert.equal(partial?.files.filter(file => file.verified).length, 1);
    assert.ok(partial?.files.some(file => file.error?.code === 'closed'));
  });

  it('reports progress that ends at the total', async () => {
    await connect();
    let last: CopyProgress | undefined;
    const onProgress = (progress: CopyProgress) => {
      last = progress;
    };
    await run([write('a', Buffer.alloc(300_000))], '/x', { onProgress });
    assert.deepEqual(
      [last?.bytesDone, last?.bytesTotal, last?.filesDone, last?.filesTotal],
      [300_000, 300_000, 1, 1],
    );
  });
});
