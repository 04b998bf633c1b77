// Where Copy to Last Guest VM goes: a folder, a guest and a link; never the name that another file had.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Target } from '../../../src/engine/guest/target.ts';
import { targetName } from '../../../src/engine/guest/target.ts';
import { CopyMemory } from '../../../src/engine/transfers/copyMemory.ts';
import { proposedName } from '../../../src/engine/transfers/destinations.ts';
import { lastPlaces, rememberCopies } from '../../../src/engine/transfers/lastCopy.ts';
import type { CopyRequest } from '../../../src/engine/transfers/transfer.ts';
import { TransferFailure } from '../../../src/engine/transfers/transferFailure.ts';
import { type Completion, TransferList } from '../../../src/engine/transfers/transferList.ts';
import { type CopyResult, type FileResult, TransferQueue } from '../../../src/transfer/index.ts';
import { copied, outcome, requestTo, resultOf, said } from './samples.ts';

/** What VS Code keeps: plain data. */
class FakeMemento {
  readonly #values = new Map<string, string>();

  keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  get<T>(key: string, fallback?: T): T {
    const value = this.#values.get(key);
    return value === undefined ? (fallback as T) : JSON.parse(value);
  }

  async update(key: string, value: unknown): Promise<void> {
    this.#values.set(key, JSON.stringify(value));
  }
}

const skipped: FileResult = { ...copied, sha256: null, verified: false, skipped: true };
const failed: FileResult = { ...copied, verified: false, error: { code: 'no-space', message: '' } };
const into = (folder: string | undefined, ...files: FileResult[]): CopyResult => ({
  ...resultOf(...files),
  folder,
});

function harness(state = new FakeMemento()) {
  const memory = new CopyMemory(state);
  const ends = new Map<string, PromiseWithResolvers<Completion>>();
  const transfers = new TransferList({
    queue: new TransferQueue({ maxParallel: () => 9 }),
    run: batch =>
      batch.map(({ transfer, signal }) => {
        const end = Promise.withResolvers<Completion>();
        const abort = () => end.reject(new TransferFailure('aborted', said('cancelled')));
        signal.addEventListener('abort', abort, { once: true });
        ends.set(targetName(transfer.request.target), end);
        return end.promise;
      }),
    store: { load: () => [], save: () => undefined },
  });
  rememberCopies(transfers, memory);
  let at = 0;
  /** The user chooses a copy to these guests. */
  function begin(destination: string, ...guests: string[]): Promise<unknown> {
    at += 1;
    const chosenAt = at;
    return Promise.allSettled(
      transfers.addAll(guests.map((name): CopyRequest => ({ ...requestTo(name), destination, chosenAt }))),
    );
  }
  const settle = () => new Promise(resolve => setImmediate(resolve));
  const end = async (guest: string, result: CopyResult, hasFailed = false) => {
    await settle();
    ends.get(guest)?.resolve({ result, outcome: { ...outcome, failed: hasFailed ? 1 : 0 } });
    await settle();
  };
  const fail = async (guest: string) => {
    await settle();
    ends.get(guest)?.reject(new TransferFailure('no-receiver', said('Nobody answers.')));
    await settle();
  };
  const last = () =>
    lastPlaces(memory, transfers.all)?.map(({ target, folder }) => `${targetName(target)} ${folder}`);
  return { memory, transfers, begin, end, fail, last, settle };
}

describe('the place of the last copy', () => {
  it('is a folder, also where the user gave the copy a name', async () => {
    const { memory, begin, end, last } = harness();
    void begin('~/notes.txt', 'web');
    await end('web', into('~/', copied));
    assert.deepEqual(last(), ['web ~/']);
    assert.equal(memory.folderOf(requestTo('web').target), '~/');
    assert.equal(memory.folderOf(requestTo('db').target), undefined);
  });

  it('is only where a copy has put something', async () => {
    const { memory, transfers, begin, end, fail, last, settle } = harness();
    void begin('/srv/', 'web');
    await end('web', into('/srv/', copied));
    void begin('/var/', 'db');
    await fail('db');
    assert.deepEqual(last(), ['web /srv/']);
    void begin('/var/', 'db');
    await settle();
    transfers.cancel(transfers.all[0]?.id ?? '');
    await settle();
    for (const result of [into('/var/', failed), into('/var/', skipped), into(undefined, copied)]) {
      void begin('/var/', 'db');
      await end('db', result, result.files.includes(failed));
    }
    assert.deepEqual(last(), ['web /srv/']);
    assert.equal(memory.folderOf(requestTo('db').target), undefined);
    for (const result of [
      into('/a/', failed, copied),
      into('/a/', { ...skipped, unchanged: true }),
      into('/a/'),
    ]) {
      void begin('/a/', 'db');
      await end('db', result, result.files.includes(failed));
      assert.deepEqual(last(), ['db /a/']);
      void begin('/srv/', 'web');
      await end('web', into('/srv/', copied));
    }
  });

  it('is remembered when a retry succeeds', async () => {
    const { transfers, begin, end, fail, last } = harness();
    void begin('/srv/x', 'web');
    await fail('web');
    assert.equal(last(), undefined);
    transfers.retry(transfers.all[0]?.id ?? '');
    await end('web', into('/srv/', copied));
    assert.deepEqual(last(), ['web /srv/']);
  });

  it('is in each guest that got the files, and the latest one that was chosen, whichever ends last', async () => {
    const { begin, end, fail, last } = harness();
    void begin('~/in/', 'web', 'db', 'cache');
    await end('web', into('~/in/', copied));
    await fail('db');
    assert.deepEqual(last(), ['web ~/in/', 'cache ~/in/']);
    void begin('C:\\in', 'win');
    await end('win', into('C:\\in\\', copied));
    await end('cache', into('~/in/', copied));
    assert.deepEqual(last(), ['win C:\\in\\']);
  });

  it('is where a copy is going that has not ended, if that is surely a folder', async () => {
    const { begin, end, fail, last, settle } = harness();
    void begin('/srv/', 'web');
    await end('web', into('/srv/', copied));
    void begin('/tmp/', 'db');
    await settle();
    assert.deepEqual(last(), ['db /tmp/']);
    await fail('db');
    assert.deepEqual(last(), ['web /srv/']);
    for (const unclear of ['/tmp/x', 'x\\', '/dev/null']) {
      void begin(unclear, 'db');
      await settle();
      assert.equal(last(), undefined, unclear);
      await fail('db');
    }
  });

  it("isn't where another extension's copy went", async () => {
    const { transfers, end, last } = harness();
    void transfers.add(requestTo('web'));
    await end('web', into('/srv/', copied));
    assert.equal(last(), undefined);
  });

  it('keeps the link that was chosen', async () => {
    const { memory, transfers, end } = harness();
    const { target } = requestTo('web') as { target: Target & { kind: 'domain' } };
    const chosen = { ...target, link: 'serial1', isLinkChosen: true } as const;
    transfers.add({ ...requestTo('web'), target: chosen, chosenAt: 1 });
    await end('web', into('/srv/', copied));
    assert.deepEqual(memory.last?.places, [{ target: chosen, folder: '/srv/' }]);
  });

  it('never comes from what an older version stored: that may be the path of a file', async () => {
    const state = new FakeMemento();
    const { target } = requestTo('web');
    await state.update('guestwire.lastCopy.2', { targets: [target], destination: '~/notes.txt' });
    await state.update('guestwire.destinations', [['qemu:///system\nuuid-web', '~/notes.txt']]);
    const { memory, last } = harness(state);
    assert.equal(last(), undefined);
    assert.equal(memory.folderOf(target), undefined);
  });

  it('is kept for 100 guests', async () => {
    const memory = new CopyMemory(new FakeMemento());
    for (let number = 0; number < 101; number += 1)
      await memory.remember(number, { target: requestTo(`${number}`).target, folder: '/srv/' });
    assert.equal(memory.folderOf(requestTo('0').target), undefined);
    assert.equal(memory.folderOf(requestTo('1').target), '/srv/');
  });
});

describe('the name that a copy is proposed', () => {
  it("is the source's own, where it can be part of a path", () => {
    assert.equal(proposedName('~/', 'b.txt'), 'b.txt');
    assert.equal(proposedName('C:\\in\\', 'b.txt'), 'b.txt');
    assert.equal(proposedName('~/', 'a\nb'), '');
    assert.equal(proposedName('~/', 'a\\b'), '');
  });
});
