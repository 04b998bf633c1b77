// Sources that have the same name in the guest: none of them may replace what another one has just brought.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { openSession, type Session } from '../../../src/protocol/index.ts';
import {
  type Conflict,
  type ConflictDecision,
  type ConflictPolicy,
  type CopyOptions,
  type CopyResult,
  copy,
  copyToMany,
  localDisk,
  SameNameError,
  type SourceSystem,
} from '../../../src/transfer/index.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { type Answer, FakeReceiver } from '../protocol/fakeReceiver.ts';
import { emptyFolder } from './emptyFolder.ts';

const BUNDLES = ['bundle', 'unchanged'];
const WAYS = [
  { how: 'in bundles', capabilities: BUNDLES },
  { how: 'one by one', capabilities: ['unchanged'] },
];

/** Files as a guest keeps them that ignores case. */
class FoldedMap extends Map<string, Buffer> {
  override get(name: string) {
    return super.get(name.toLowerCase());
  }
  override has(name: string) {
    return super.has(name.toLowerCase());
  }
  override set(name: string, content: Buffer) {
    return super.set(name.toLowerCase(), content);
  }
}

interface Guest {
  readonly session: Session;
  readonly receiver: FakeReceiver;
  /** Where each symbolic link leads. */
  readonly links: Map<string, string>;
  readonly text: (name: string) => string | undefined;
}

describe('sources of one name', () => {
  const directory = emptyFolder();
  const sessions: Session[] = [];
  afterEach(() => Promise.all(sessions.splice(0).map(session => session.close())));

  /** A guest in which the folder `/d` exists. */
  async function connect(capabilities = BUNDLES, system: 'linux' | 'windows' = 'linux'): Promise<Guest> {
    const keyOf = (name: string) => (system === 'windows' ? name.toLowerCase() : name);
    const made = new Set(['/d']);
    const links = new Map<string, string>();
    const receiver: FakeReceiver = new FakeReceiver({
      ...{ device: 'channel', capabilities },
      answer({ verb, fields }): Answer[] | undefined {
        const where = fields.get('path')?.toString() ?? '';
        if (verb === 'stat' && where === '/d') return [['done', { type: 'directory', path: where }]];
        if (verb === 'put' && links.has(where)) return [['error', { code: 'is-symlink', path: where }]];
        if (verb === 'symlink') return [link(where, fields.get('target')?.toString() ?? '')];
        if (verb !== 'mkdir') return undefined;
        const existed = made.has(keyOf(where)) || receiver.directories.has(`${where}/`);
        made.add(keyOf(where));
        return [['done', { path: where, ...(existed ? { existed: 1 } : {}) }]];
      },
    });
    function link(where: string, target: string): Answer {
      if (receiver.files.has(where) || links.has(where))
        return ['error', { code: 'exists', path: where, type: 'file' }];
      links.set(where, target);
      return ['done', { path: where }];
    }
    if (system === 'windows') Object.assign(receiver, { files: new FoldedMap() });
    const session = await openSession(new FakeLink(receiver));
    Object.assign(session.welcome, { system });
    sessions.push(session);
    return { session, receiver, links, text: name => receiver.files.get(name)?.toString() };
  }

  /** Writes files, each with its own path as its content, and of one age. */
  function write(...names: string[]): string[] {
    return names.map(name => {
      const file = path.join(directory, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, name);
      fs.utimesSync(file, 1_700_000_000, 1_700_000_000);
      return file;
    });
  }

  const at = (...names: string[]) => names.map(name => path.join(directory, name));
  const run = ({ session }: Guest, sources: string[], options: Partial<CopyOptions> = {}) =>
    copy(session, sources, '/d', { conflict: 'overwrite', ...options });
  const ends = (result: CopyResult) =>
    Object.fromEntries(
      result.files.map(file => [
        path.relative(directory, file.source),
        file.error?.code ?? (file.skipped ? 'skipped' : file.destination),
      ]),
    );

  describe('that were named', () => {
    it('are refused before anything is sent, and named', async () => {
      const guest = await connect();
      const sources = write('c', 'o/c', 'other');
      await assert.rejects(run(guest, sources), (error: unknown) => {
        assert.ok(error instanceof SameNameError);
        assert.equal(error.code, 'same-name');
        assert.deepEqual([...error.sources, error.path], [...at('c', 'o/c'), 'c']);
        return true;
      });
      assert.deepEqual(guest.receiver.requests, ['stat']);
    });

    it('are refused too where one is a folder, or the guest ignores case', async () => {
      write('c', 'o/c/inner', 'A.txt', 'o/a.txt', 'straße', 'o/STRASSE');
      await assert.rejects(run(await connect(), at('c', 'o/c')), { code: 'same-name' });
      const windows = () => connect(BUNDLES, 'windows');
      await assert.rejects(run(await windows(), at('A.txt', 'o/a.txt')), { code: 'same-name' });
      const kept = await run(await windows(), at('straße', 'o/STRASSE'));
      assert.equal(kept.files.filter(file => file.verified).length, 2);
      const result = await run(await connect(), at('A.txt', 'o/a.txt'));
      assert.deepEqual(ends(result), { 'A.txt': '/d/A.txt', 'o/a.txt': '/d/a.txt' });
    });

    it('are refused in each of several guests', async () => {
      const guests = [await connect(), await connect()];
      const options = { conflict: 'overwrite' } as const;
      const targets = guests.map(({ session }) => ({ session, destination: '/d', options }));
      const results = await copyToMany(targets, write('c', 'o/c'));
      for (const one of results) assert.equal(one.status === 'rejected' && one.reason.code, 'same-name');
      assert.ok(guests.every(({ receiver }) => receiver.files.size === 0));
    });

    it("don't matter where one of them isn't there", async () => {
      const guest = await connect();
      write('c');
      assert.deepEqual(ends(await run(guest, at('gone/c', 'c'))), { 'gone/c': 'ENOENT', c: '/d/c' });
    });

    it('are copied once if they are one and the same', async () => {
      const guest = await connect();
      const [file = ''] = write('c');
      const result = await run(guest, [file, file]);
      assert.deepEqual([result.files.length, guest.text('/d/c')], [1, 'c']);
    });
  });

  for (const { how, capabilities } of WAYS)
    describe(`in folders that merge, ${how}`, () => {
      const TREES = ['x/d/same', 'x/d/in/same', 'x/d/mine', 'y/d/same', 'y/d/in/same', 'y/d/yours'];
      const merge = (guest: Guest, options?: Partial<CopyOptions>) => run(guest, at('x/d', 'y/d'), options);
      const whole = {
        'x/d/same': '/d/d/same',
        'x/d/in/same': '/d/d/in/same',
        'x/d/mine': '/d/d/mine',
        'y/d/yours': '/d/d/yours',
      };

      for (const conflict of ['overwrite', 'newer', 'fail'] as const)
        it(`none replaces another's file with "${conflict}"`, async () => {
          const guest = await connect(capabilities);
          write(...TREES);
          const result = await merge(guest, { conflict });
          assert.deepEqual(ends(result), {
            ...whole,
            'y/d/same': 'just-made',
            'y/d/in/same': 'just-made',
          });
          assert.equal(guest.text('/d/d/same'), 'x/d/same');
          assert.equal(guest.text('/d/d/in/same'), 'x/d/in/same');
          assert.equal(guest.text('/d/d/yours'), 'y/d/yours');
        });

      it('"skip" skips it and "rename" renames it', async () => {
        const outcomes = { skip: 'skipped', rename: '/d/d/same (2)' };
        for (const [conflict, outcome] of Object.entries(outcomes) as Array<[ConflictPolicy, string]>) {
          const guest = await connect(capabilities);
          write(...TREES);
          assert.equal(ends(await merge(guest, { conflict }))['y/d/same'], outcome);
          assert.equal(guest.text('/d/d/same'), 'x/d/same');
        }
      });

      it('the question says that this copy has made it, and the answer is obeyed', async () => {
        const guest = await connect(capabilities);
        write(...TREES);
        const asked: Conflict[] = [];
        const onConflict = async (conflict: Conflict): Promise<ConflictDecision> => {
          asked.push(conflict);
          return { action: conflict.destination === '/d/d/same' ? 'overwrite' : 'skip' };
        };
        const result = await merge(guest, { conflict: 'ask', onConflict });
        assert.deepEqual(asked.map(({ destination, isJustMade }) => [destination, isJustMade]).sort(), [
          ['/d/d/in/same', true],
          ['/d/d/same', true],
        ]);
        assert.equal(guest.text('/d/d/same'), 'y/d/same');
        assert.equal(ends(result)['y/d/in/same'], 'skipped');
      });

      it('"overwrite all" of what the guest had covers nothing that this copy has made', async () => {
        const guest = await connect(capabilities);
        write(...TREES);
        guest.receiver.files.set('/d/d/mine', Buffer.from('of the guest'));
        const asked: Array<boolean | undefined> = [];
        const onConflict = async ({ isJustMade }: Conflict): Promise<ConflictDecision> => {
          asked.push(isJustMade);
          return { action: isJustMade ? 'skip' : 'overwrite', forAll: true };
        };
        await guest.session.request('mkdir', { path: '/d/d' });
        await merge(guest, { conflict: 'ask', onConflict });
        assert.deepEqual(asked, [undefined, true]);
        assert.equal(guest.text('/d/d/mine'), 'x/d/mine');
        assert.equal(guest.text('/d/d/same'), 'x/d/same');
      });

      it("the same content isn't a conflict", async () => {
        const guest = await connect(capabilities);
        for (const file of write('x/d/same', 'y/d/same')) fs.writeFileSync(file, 'alike');
        const result = await merge(guest);
        assert.deepEqual(
          result.files.map(({ verified, skipped }) => [verified, skipped]),
          [
            [true, false],
            [true, true],
          ],
        );
      });

      it("what couldn't be copied stands in nobody's way, and what the guest had may be replaced", async () => {
        const guest = await connect(capabilities);
        guest.receiver.files.set('/d/d/same', Buffer.from('of the guest'));
        write('x/d/same', 'y/d/same');
        const fails = (file: string) => file.includes('/x/');
        const denied = () => Promise.reject(Object.assign(new Error(), { code: 'EACCES' }));
        const sourceSystem: SourceSystem = {
          ...localDisk,
          open: file => (fails(file) ? denied() : localDisk.open(file)),
        };
        delete sourceSystem.readStart;
        const result = await merge(guest, { sourceSystem });
        assert.deepEqual(ends(result), { 'x/d/same': 'EACCES', 'y/d/same': '/d/d/same' });
        assert.equal(guest.text('/d/d/same'), 'y/d/same');
      });

      it('a link and a file of one name, a file and a folder: the second is left out', async () => {
        const guest = await connect(capabilities);
        write('x/d/file', 'x/d/name', 'y/d/link', 'y/d/name/inner', 'y/d/way/inner', 'x/d/z');
        fs.symlinkSync('/etc', path.join(directory, 'x/d/link'));
        fs.symlinkSync('/etc', path.join(directory, 'x/d/way'));
        fs.symlinkSync('/etc', path.join(directory, 'y/d/file'));
        const result = ends(await merge(guest));
        assert.deepEqual(
          ['y/d/file', 'y/d/link', 'y/d/name', 'y/d/way'].map(name => result[name]),
          ['just-made', 'is-symlink', 'just-made', 'just-made'],
        );
        assert.deepEqual([result['y/d/name/inner'], result['y/d/way/inner']], [undefined, undefined]);
        assert.deepEqual([...guest.receiver.files.keys()].sort(), ['/d/d/file', '/d/d/name', '/d/d/z']);
      });
    });

  for (const { how, capabilities } of WAYS)
    describe(`in one folder, into a guest that ignores case, ${how}`, () => {
      it('the second file is a conflict', async () => {
        write('t/A.txt', 't/a.txt', 't/in/B', 't/in/b', 't/in/c', 't/c');
        const guest = await connect(capabilities, 'windows');
        const result = await run(guest, at('t'));
        const codes = result.files.map(file => file.error?.code ?? 'ok').sort();
        assert.deepEqual(codes, ['just-made', 'just-made', 'ok', 'ok', 'ok', 'ok']);
        for (const file of result.files.filter(({ error }) => !error))
          assert.equal(guest.text(file.destination), path.relative(directory, file.source));
        const kept = await run(await connect(capabilities, 'windows'), at('t'), { conflict: 'rename' });
        assert.equal(kept.files.filter(file => file.verified).length, 6);
        const linux = await run(await connect(capabilities), at('t'));
        assert.ok(linux.files.every(file => file.verified));
      });

      it("folders that only case tells apart aren't mixed", async () => {
        write('t/Sub/f', 't/sub/f', 't/sub/g', 't/z');
        const guest = await connect(capabilities, 'windows');
        const result = await run(guest, at('t'));
        const refused = result.files.filter(file => file.error);
        assert.deepEqual(
          refused.map(file => file.error?.code),
          ['just-made'],
        );
        const kept = fs.readdirSync(path.join(directory, 't')).find(name => /sub/i.test(name)) ?? '';
        assert.equal(guest.text(`/d/t/${kept}/f`), `t/${kept}/f`);
      });

      it('folders of two sources merge', async () => {
        write('x/D/Sub/f', 'y/d/sub/F', 'y/d/sub/g');
        const guest = await connect(capabilities, 'windows');
        assert.deepEqual(ends(await run(guest, at('x/D', 'y/d'))), {
          'x/D/Sub/f': '/d/D/Sub/f',
          'y/d/sub/F': 'just-made',
          'y/d/sub/g': '/d/d/sub/g',
        });
      });
    });

  it('tell the folder that they went into', async () => {
    const [file = ''] = write('c');
    const { session } = await connect();
    const folderOf = async (destination: string) =>
      (await copy(session, [file], destination, { conflict: 'overwrite' })).folder;
    assert.equal(await folderOf('/d'), '/d/');
    assert.equal(await folderOf('/e/name'), '/e/');
    assert.equal(await folderOf('~/a\\b'), '~/');
    assert.equal(await folderOf('name'), './');
    Object.assign(session.welcome, { system: 'windows', separator: '\\' });
    assert.equal(await folderOf('C:\\in\\name'), 'C:\\in\\');
    assert.equal(await folderOf('~/name'), '~/');
    assert.equal(await folderOf('C:name'), undefined);
  });
});
