import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { message } from '../../../src/engine/messages/message.ts';
import type { TransferRecord } from '../../../src/engine/transfers/transfer.ts';
import { TransferFailure } from '../../../src/engine/transfers/transferFailure.ts';
import { type Completion, TransferList } from '../../../src/engine/transfers/transferList.ts';
import type { TransferRun } from '../../../src/engine/transfers/transferRun.ts';
import { TransferQueue } from '../../../src/transfer/index.ts';
import { copied, outcome, progress, request, resultOf, target } from '../ui/samples.ts';

const success: Completion = { result: resultOf(copied), outcome };

type RunOne = (
  transfer: TransferRun['transfer'],
  signal: AbortSignal,
  onProgress: TransferRun['onProgress'],
) => Promise<Completion>;

function listOf(runOne: RunOne, stored: readonly TransferRecord[] = []) {
  let saved = stored;
  const store = {
    load: () => stored,
    save: (records: readonly TransferRecord[]) => {
      saved = records;
    },
  };
  const queue = new TransferQueue({ maxParallel: () => 3 });
  const run = (runs: readonly TransferRun[]) =>
    runs.map(({ transfer, signal, onProgress }) => runOne(transfer, signal, onProgress));
  const list = new TransferList({ queue, run, store });
  return { list, saved: () => saved };
}

/** Runs until it is cancelled, as a copy to a slow guest. */
const endless: RunOne = (_transfer, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new TransferFailure('aborted', message('copy.cancelled'))));
  });

describe('transfer list', () => {
  it('goes from waiting to running to done, with progress on the way', async () => {
    const seen: string[] = [];
    const { list } = listOf(async (_transfer, _signal, onProgress) => {
      onProgress(progress);
      return success;
    });
    list.changes.on(({ id, kind }) => {
      const state = id === undefined ? list.all[0]?.state : list.get(id)?.state;
      seen.push(`${kind} ${state}`);
    });
    const { id, completion } = list.add(request);
    assert.equal(await completion, success);
    assert.deepEqual(seen, ['list queued', 'state running', 'progress running', 'state done']);
    assert.equal(list.get(id)?.outcome, outcome);
    assert.equal(list.get(id)?.progress, undefined);
  });

  it('calls a copy failed of which a single file failed', async () => {
    const partly = { ...success, outcome: { ...outcome, files: 2, failed: 1 } };
    const { list } = listOf(async () => partly);
    const { id, completion } = list.add(request);
    await completion;
    assert.equal(list.get(id)?.state, 'failed');
  });

  it('keeps error and part that had arrived, and copies again on request', async () => {
    let attempts = 0;
    const { list } = listOf(async () => {
      attempts += 1;
      if (attempts === 1)
        throw new TransferFailure('lost', message('session.lost', 'web'), { partial: outcome });
      return success;
    });
    const { id, completion } = list.add(request);
    await assert.rejects(completion, { code: 'lost' });
    assert.deepEqual(list.get(id)?.error, { code: 'lost', message: message('session.lost', 'web') });
    assert.equal(list.get(id)?.outcome, outcome);
    await Promise.all(list.retry(id));
    assert.equal(list.get(id)?.state, 'done');
    assert.equal(list.get(id)?.error, undefined);
    assert.deepEqual(list.retry(id), []);
  });

  it('cancels a running one and a waiting one', async () => {
    const { list } = listOf(endless);
    const running = list.add(request);
    const waiting = list.add(request);
    await turn();
    assert.equal(list.get(running.id)?.state, 'running');
    assert.equal(list.get(waiting.id)?.state, 'queued');
    for (const { id } of [waiting, running]) list.cancel(id);
    await assert.rejects(running.completion, { code: 'aborted' });
    await assert.rejects(waiting.completion, { code: 'aborted', message: 'The copy was cancelled.' });
    assert.equal(list.get(running.id)?.state, 'cancelled');
    assert.equal(list.get(waiting.id)?.state, 'cancelled');
  });

  it("follows the caller's signal, also one that fired before", async () => {
    const { list } = listOf(endless);
    const controller = new AbortController();
    const { completion } = list.add(request, controller.signal);
    await turn();
    controller.abort();
    await assert.rejects(completion, { code: 'aborted' });
    await assert.rejects(list.add(request, controller.signal).completion, { code: 'aborted' });
  });

  it('offers what the end of the window broke off', async () => {
    const first = listOf(endless);
    const { id } = first.list.add(request);
    await turn();
    await first.list.stop();
    assert.deepEqual(
      first.saved().map(({ state }) => state),
      ['running'],
    );
    const second = listOf(async () => success, first.saved());
    assert.deepEqual(second.list.interrupted, [id]);
    assert.equal(second.list.get(id)?.state, 'interrupted');
    const third = listOf(async () => success, second.saved());
    assert.deepEqual(third.list.interrupted, []);
    await Promise.all(third.list.retry(id));
    assert.equal(third.list.get(id)?.state, 'done');
  });

  it('stores plain data', async () => {
    const { list, saved } = listOf(async () => success);
    const before = Date.now();
    await list.add(request).completion;
    const [{ startedAt, endedAt, ...record }] = JSON.parse(JSON.stringify(saved()));
    assert.deepEqual(record, { id: list.all[0]?.id, request, state: 'done', outcome });
    assert.ok(before <= startedAt && startedAt <= endedAt && endedAt <= Date.now());
  });

  it('clears what is finished, and nothing that runs', async () => {
    let endlessly = false;
    const { list } = listOf((transfer, signal, onProgress) =>
      endlessly ? endless(transfer, signal, onProgress) : Promise.resolve(success),
    );
    const done = list.add(request);
    await done.completion;
    endlessly = true;
    const running = list.add(request);
    await turn();
    list.remove(running.id);
    list.clearFinished();
    assert.deepEqual(
      list.all.map(({ id }) => id),
      [running.id],
    );
    await list.stop();
  });

  it('clears no interrupted one, which could not be resumed then, unless it is removed by itself', () => {
    const { list } = listOf(endless, [
      { id: 'broken', request, state: 'running' },
      { id: 'over', request, state: 'cancelled' },
    ]);
    assert.deepEqual(list.clearFinished(), ['broken']);
    assert.deepEqual(
      list.all.map(({ id }) => id),
      ['broken'],
    );
    list.remove('broken');
    assert.deepEqual(list.all, []);
  });

  describe('beside a copy on a slow link', () => {
    const small = { ...request, sources: ['/home/me/small.txt'] };

    /** Its first transfer has only a serial port of a domain that has a channel, too. */
    async function beside() {
      const runs: TransferRun[] = [];
      const ends: PromiseWithResolvers<Completion>[] = [];
      const list = new TransferList({
        queue: new TransferQueue({ maxParallel: () => 3 }),
        run: batch =>
          batch.map(run => {
            const end = Promise.withResolvers<Completion>();
            runs.push(run);
            ends.push(end);
            return end.promise;
          }),
        store: { load: () => [], save: () => undefined },
      });
      const first = list.add(request);
      await turn();
      const states = () => list.all.map(({ state }) => state);
      return { list, runs, ends, first, states };
    }

    it('another starts, since the fast link may be free', async () => {
      const { list, runs, ends, first, states } = await beside();
      const next = list.add(small);
      await turn();
      assert.deepEqual(states(), ['queued', 'running']);
      runs[0]?.links.onSideLink('serial1');
      await turn();
      assert.deepEqual(states(), ['running', 'running']);
      assert.equal(runs[1]?.links.isBeside(), true);
      ends[1]?.resolve(success);
      await next.completion;
      assert.deepEqual(states(), ['done', 'running']);
      ends[0]?.resolve(success);
      await first.completion;
    });

    it('another waits after all if it finds no link', async () => {
      const { list, runs, ends, first, states } = await beside();
      runs[0]?.links.onSideLink('serial1');
      const next = list.add(small);
      await turn();
      ends[1]?.reject(new TransferFailure('no-receiver', message('copy.unexpected')));
      await turn();
      assert.deepEqual(states(), ['queued', 'running']);
      ends[0]?.resolve(success);
      await first.completion;
      await turn();
      assert.deepEqual(states(), ['running', 'done']);
      assert.equal(runs[2]?.links.isBeside(), false);
      ends[2]?.reject(new TransferFailure('no-receiver', message('copy.unexpected')));
      await assert.rejects(next.completion, { code: 'no-receiver' });
    });

    it('another can be cancelled while it waits again', async () => {
      const { list, runs, ends, first } = await beside();
      runs[0]?.links.onSideLink('serial1');
      const next = list.add(small);
      await turn();
      ends[1]?.reject(new TransferFailure('busy', message('copy.unexpected')));
      await turn();
      list.cancel(next.id);
      await assert.rejects(next.completion, { code: 'aborted' });
      assert.equal(list.get(next.id)?.state, 'cancelled');
      ends[0]?.resolve(success);
      await first.completion;
    });

    it('another for the same link waits', async () => {
      const { list, runs, ends, first, states } = await beside();
      runs[0]?.links.onSideLink('serial1');
      list.add({ ...small, target: { ...target, link: 'serial1' } });
      await turn();
      assert.deepEqual(states(), ['queued', 'running']);
      ends[0]?.resolve(success);
      await first.completion;
      await turn();
      assert.deepEqual(states(), ['running', 'done']);
      ends[1]?.resolve(success);
    });
  });

  it('forgets the oldest ones', async () => {
    const { list } = listOf(async () => success);
    for (let copies = 0; copies < 60; copies += 1) await list.add(request).completion;
    assert.equal(list.all.length, 50);
  });
});
