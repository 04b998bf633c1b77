// A file that the guest has already: what it lacks besides its bytes is added.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { openSession, type Session } from '../../../src/protocol/index.ts';
import { type CopyOptions, type CopyResult, copy } from '../../../src/transfer/index.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { type Answer, FakeReceiver, type FakeReceiverOptions } from '../protocol/fakeReceiver.ts';
import { emptyFolder } from './emptyFolder.ts';

const CONTENT = 'the same in the guest';
const REFUSED: Answer[] = [['error', { code: 'permission', message: 'not yours' }]];

describe('a file that is in the guest already', () => {
  const directory = emptyFolder();
  const sessions: Session[] = [];
  /** The fields of each `attributes`. */
  let brought: Record<string, string>[];

  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close();
  });

  async function run(
    there: { mode?: string; mtime: string },
    options: Partial<CopyOptions> = {},
    receiverOptions: FakeReceiverOptions & { attributes?: Answer[] } = {},
  ): Promise<CopyResult> {
    brought = [];
    const sha256 = hash('sha256', CONTENT);
    const receiver = new FakeReceiver({
      ...receiverOptions,
      answer: message => {
        const { verb, fields } = message;
        if (verb === 'stat' && fields.has('hash'))
          return [['done', { type: 'file', path: '/f', size: CONTENT.length, sha256, ...there }]];
        if (verb === 'attributes') {
          brought.push(Object.fromEntries([...fields].map(([key, value]) => [key, String(value)])));
          return receiverOptions.attributes ?? [['done', {}]];
        }
        return receiverOptions.answer?.(message, 0);
      },
    });
    receiver.files.set('/f', Buffer.from(CONTENT));
    const session = await openSession(new FakeLink(receiver));
    sessions.push(session);
    const file = path.join(directory, 'f');
    fs.writeFileSync(file, CONTENT);
    fs.chmodSync(file, 0o755);
    fs.utimesSync(file, 1_700_000_000, 1_700_000_000);
    return copy(session, [file], '/f', { conflict: 'fail', ...options });
  }

  it('gets the execute bits that it lacks and the time of the source', async () => {
    const { files } = await run({ mode: '4644', mtime: '5' });
    assert.deepEqual([files[0]?.verified, files[0]?.skipped, files[0]?.notes], [true, true, undefined]);
    assert.deepEqual(brought, [
      { path: '/f', execute: '111', mtime: '1700000000.000000000', refused: 'note' },
    ]);
  });

  it('gets only what differs', async () => {
    await run({ mode: '744', mtime: '1700000000' });
    assert.deepEqual(brought, [{ path: '/f', execute: '11', refused: 'note' }]);
    await run({ mode: '755', mtime: '1700000000.0000001' });
    assert.deepEqual(brought, []);
    await run({ mtime: '1700000000.000001' });
    assert.deepEqual(brought, [{ path: '/f', mtime: '1700000000.000000000', refused: 'note' }]);
  });

  it('is left alone by policies that leave alone what is there', async () => {
    for (const conflict of ['skip', 'newer'] as const) {
      await run({ mode: '644', mtime: '5' }, { conflict, checksum: true });
      assert.deepEqual(brought, []);
    }
  });

  it('stays verified where the guest refuses', async () => {
    const { files } = await run({ mode: '644', mtime: '5' }, {}, { attributes: REFUSED });
    assert.deepEqual([files[0]?.verified, files[0]?.notes], [true, ['mode', 'times']]);
    const notes: Answer[] = [['done', { notes: 'times' }]];
    assert.deepEqual((await run({ mode: '644', mtime: '5' }, {}, { attributes: notes })).files[0]?.notes, [
      'times',
    ]);
  });

  for (const bundles of [true, false])
    it(`gets execute bits where size and time are the same, ${bundles ? 'asked together' : 'alone'}`, async () => {
      const top = path.join(directory, 'top');
      fs.mkdirSync(top, { recursive: true });
      for (const name of ['a', 'b']) fs.writeFileSync(path.join(top, name), name, { mode: 0o755 });
      brought = [];
      const receiver: FakeReceiver = new FakeReceiver({
        capabilities: ['unchanged', ...(bundles ? ['bundle'] : [])],
        answer: ({ verb, fields }) => {
          const where = fields.get('path')?.toString() ?? '';
          if (verb === 'stat') return [['done', { type: 'directory', path: where }]];
          if (verb === 'mkdir') return [['done', { path: where, existed: 1 }]];
          if (verb === 'put')
            return [
              ['done', { path: where, skipped: 'unchanged', mode: where.endsWith('a') ? '644' : '755' }],
            ];
          if (verb === 'commit') return [['done', { path: '/d', unchanged: '0-1', 'lacks-execute': '0' }]];
          if (verb !== 'attributes') return undefined;
          brought.push(Object.fromEntries([...fields].map(([key, value]) => [key, String(value)])));
          return [['done', {}]];
        },
      });
      const session = await openSession(new FakeLink(receiver));
      sessions.push(session);
      const { files } = await copy(session, [top], '/d', { conflict: 'overwrite' });
      assert.deepEqual(
        files.map(file => [file.unchanged, file.error]),
        [
          [true, undefined],
          [true, undefined],
        ],
      );
      assert.deepEqual(brought, [{ path: '/d/top/a', execute: '111', refused: 'note' }]);
    });
});
