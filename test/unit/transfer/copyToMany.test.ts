// One source to several guests: what is shared, who waits for whom, and that nobody stops the others.
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { openSession, type Session } from '../../../src/protocol/index.ts';
import { copyToMany, localDisk, type SourceSystem } from '../../../src/transfer/index.ts';
import type { Piece, Pieces } from '../../../src/transfer/pieces.ts';
import { SharedFile } from '../../../src/transfer/sharedFile.ts';
import { SharedSources } from '../../../src/transfer/sharedSources.ts';
import { FakeLink } from '../protocol/fakeLink.ts';
import { FakeReceiver, type FakeReceiverOptions } from '../protocol/fakeReceiver.ts';

const CAPABILITIES = ['deflate', 'resume'];

describe('copy to many', () => {
  let directory: string;
  const sessions: Session[] = [];
  before(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-unit-'));
  });
  after(async () => {
    for (const session of sessions) await session.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  async function connect(options: FakeReceiverOptions = {}) {
    const receiver = new FakeReceiver({ capabilities: CAPABILITIES, ...options });
    const session = await openSession(new FakeLink(receiver), { isChannel: true });
    sessions.push(session);
    return { receiver, session };
  }

  /** The local disk, which counts how often files are opened and how many bytes are read. */
  function countingDisk() {
    const counts = { opened: 0, bytes: 0 };
    const system: SourceSystem = {
      ...localDisk,
      async open(file) {
        counts.opened += 1;
        const opened = await localDisk.open(file);
        const read = async (buffer: Buffer) => {
          const filled = await opened.read(buffer);
          counts.bytes += filled;
          return filled;
        };
        return { ...opened, read };
      },
    };
    return { counts, system };
  }

  function write(name: string, content: Buffer): string {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return file;
  }

  it('reads a large file once, and every guest verifies it', async () => {
    const guests = await Promise.all([connect(), connect(), connect()]);
    const { counts, system } = countingDisk();
    const content = Buffer.concat([randomBytes(600_000), Buffer.alloc(2_000_000, 'text ')]);
    const source = write('large', content);
    const targets = guests.map(({ session }) => ({
      session,
      destination: '/f',
      options: { conflict: 'fail' as const, sourceSystem: system },
    }));
    const results = await copyToMany(targets, [source]);
    for (const [index, result] of results.entries()) {
      assert.equal(result.status === 'fulfilled' && result.value.files[0]?.sha256, hash('sha256', content));
      assert.ok(guests[index]?.receiver.files.get('/f')?.equals(content));
      assert.ok((guests[index]?.receiver.puts[0]?.counts.encoded ?? 0) > 0);
      assert.deepEqual(guests[index]?.receiver.violations, []);
    }
    assert.deepEqual(counts, { opened: 1, bytes: content.length });
  });

  it('reads a tree of small files once', async () => {
    const guests = await Promise.all([connect(), connect()]);
    for (let count = 0; count < 50; count += 1) write(`tree/${count}`, randomBytes(count * 10));
    const { counts, system } = countingDisk();
    const options = { conflict: 'fail' as const, sourceSystem: system };
    const targets = guests.map(({ session }) => ({ session, destination: '/t', options }));
    const results = await copyToMany(targets, [path.join(directory, 'tree')]);
    for (const result of results)
      assert.equal(
        result.status === 'fulfilled' && result.value.files.filter(file => file.verified).length,
        50,
      );
    assert.equal(counts.opened, 50);
  });

  it('lets a guest that resumes, refuses or breaks go its own way', async () => {
    const content = randomBytes(900_000);
    const source = write('large', content);
    const [good, resuming, full, broken] = await Promise.all([
      connect(),
      connect(),
      connect({ answer: ({ verb }) => (verb === 'put' ? [['error', { code: 'no-space' }]] : undefined) }),
      connect({
        answer: ({ verb }) => {
          if (verb === 'commit') setImmediate(() => broken.session.close());
          return verb === 'commit' ? [] : undefined;
        },
      }),
    ]);
    resuming.receiver.partials.set('/f', content.subarray(0, 500_000));
    const targets = [good, resuming, full, broken].map(({ session }) => ({
      session,
      destination: '/f',
      options: { conflict: 'fail' as const },
    }));
    const results = await copyToMany(targets, [source]);
    const states = results.map(result =>
      result.status === 'rejected' ? result.reason.code : (result.value.files[0]?.error?.code ?? 'ok'),
    );
    assert.deepEqual(states, ['ok', 'ok', 'no-space', 'closed']);
    assert.equal(results[1]?.status === 'fulfilled' && results[1].value.resumedFrom, 500_000);
  });
});

describe('shared sources', () => {
  /** Longer than pieces that wait for nobody take, shorter than a stall. */
  const PATIENCE_MS = 2_500;
  const PIECES = 30;
  const file = { source: 'file', info: { size: PIECES, mtimeMs: 1 } };
  const opens = async (): Promise<Pieces> => countingPieces(PIECES).pieces;

  async function count(pieces: Pieces): Promise<number> {
    let number = 0;
    for (let piece = await pieces.next(); piece; piece = await pieces.next()) {
      piece.release();
      number += 1;
    }
    await pieces.close();
    return number;
  }

  async function inTime<T>(work: Promise<T>): Promise<T | 'stalled'> {
    let timer: NodeJS.Timeout | undefined;
    const stalled = new Promise<'stalled'>(resolve => {
      timer = setTimeout(() => resolve('stalled'), PATIENCE_MS);
    });
    return Promise.race([work, stalled]).finally(() => clearTimeout(timer));
  }

  it('await nobody who was done with a file before another opened it', async () => {
    const [skips, reads] = [{}, {}];
    const shared = new SharedSources([skips, reads]);
    await shared.finished(skips, 'file');
    assert.equal(await inTime(shared.open(reads, file, opens).then(count)), PIECES);
  });

  it('await a guest again when the same source comes again', async () => {
    const guests = [{}, {}];
    const shared = new SharedSources(guests);
    for (const guest of guests) await shared.finished(guest, 'file');
    let opened = 0;
    const open = () => {
      opened += 1;
      return opens();
    };
    const counts = await Promise.all(
      guests.map(async guest => {
        const number = await inTime(shared.open(guest, file, open).then(count));
        await shared.finished(guest, 'file');
        return number;
      }),
    );
    assert.deepEqual(counts, [PIECES, PIECES]);
    assert.equal(opened, 1);
  });
});

/** Pieces that count how many are still held. */
function countingPieces(total: number) {
  const state = { made: 0, held: 0, closed: false };
  const make = async (): Promise<Piece | undefined> => {
    if (state.made === total) return undefined;
    state.made += 1;
    state.held += 1;
    let users = 1;
    const release = () => {
      users -= 1;
      if (users === 0) state.held -= 1;
    };
    const retain = () => {
      users += 1;
    };
    return { bytes: Buffer.from([state.made]), isEncoded: false, fileBytes: 1, retain, release };
  };
  const pieces: Pieces = {
    bytes: 0,
    skip: async () => '',
    next: make,
    sha256: () => '',
    finish: async () => undefined,
    close: async () => {
      state.closed = true;
    },
  };
  return { state, pieces };
}

describe('shared file', () => {
  async function readAll(file: SharedFile, guest: object): Promise<number[] | 'left behind'> {
    const numbers: number[] = [];
    for (;;) {
      const piece = await file.next(guest);
      if (piece === 'left behind') return piece;
      if (!piece) return numbers;
      numbers.push(piece.bytes[0] ?? 0);
      piece.release();
    }
  }

  it('gives every guest every piece, holds few, and lets go of all', async () => {
    const { state, pieces } = countingPieces(100);
    const guests = [{}, {}, {}];
    const file = new SharedFile(pieces, guests);
    for (const guest of guests) assert.ok(file.join(guest));
    const all = await Promise.all(guests.map(guest => readAll(file, guest)));
    for (const numbers of all) assert.equal(numbers.length, 100);
    assert.equal(state.held, 0);
    for (const guest of guests) file.leave(guest);
    assert.ok(state.closed);
  });

  it('does not run ahead of the slowest', async () => {
    const { state, pieces } = countingPieces(100);
    const [fast, slow] = [{}, {}];
    const file = new SharedFile(pieces, [fast, slow], 60_000);
    file.join(fast);
    const reading = readAll(file, fast);
    for (let count = 0; count < 200; count += 1) await turn();
    assert.ok(state.made < 12, `${state.made}`);
    assert.ok(file.join(slow));
    assert.equal((await readAll(file, slow)).length, 100);
    assert.equal((await reading).length, 100);
  });

  it('leaves behind who takes nothing, and only that one', async () => {
    const { state, pieces } = countingPieces(100);
    const [fast, stalled, absent] = [{}, {}, {}];
    const file = new SharedFile(pieces, [fast, stalled, absent], 20);
    file.join(fast);
    file.join(stalled);
    assert.equal((await readAll(file, fast)).length, 100);
    assert.equal(await file.next(stalled), 'left behind');
    assert.equal(file.join(absent), false);
    assert.equal(state.held, 0);
  });

  it('tells everybody of an error of the source', async () => {
    const guests = [{}, {}];
    const pieces = { ...countingPieces(3).pieces, next: () => Promise.reject(new Error('bad disk')) };
    const file = new SharedFile(pieces, guests);
    for (const guest of guests) file.join(guest);
    for (const guest of guests) await assert.rejects(file.next(guest), /bad disk/);
  });
});
