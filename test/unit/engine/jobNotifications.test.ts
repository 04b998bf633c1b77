// When which notification of a copy comes, by a clock that the test moves.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { targetName } from '../../../src/engine/guest/target.ts';
import { JobNotifications, type NotificationChoice } from '../../../src/engine/transfers/jobNotifications.ts';
import type { CopySummary } from '../../../src/engine/transfers/transfer.ts';
import { TransferFailure } from '../../../src/engine/transfers/transferFailure.ts';
import { type Completion, TransferList } from '../../../src/engine/transfers/transferList.ts';
import { TransferQueue } from '../../../src/transfer/index.ts';
import { jobMessage } from '../../../src/ui/transfers/jobText.ts';
import { mockClock } from '../../support/mockClock.ts';
import { copied, outcome, progress, request, requestTo, resultOf, said } from '../ui/samples.ts';

/** Transfers that end when the test says so, and what is shown of them. */
function notified(t: TestContext, setting: NotificationChoice = 'always') {
  const clock = mockClock(t);
  const ends = new Map<string, PromiseWithResolvers<Completion>>();
  const shown: string[] = [];
  const bars: (() => void)[] = [];
  const list = new TransferList({
    queue: new TransferQueue({ maxParallel: () => 3 }),
    run: runs =>
      runs.map(({ transfer, signal, onProgress }) => {
        const end = Promise.withResolvers<Completion>();
        const abort = () => end.reject(new TransferFailure('aborted', said('Cancelled.')));
        signal.addEventListener('abort', abort, { once: true });
        ends.set(targetName(transfer.request.target), end);
        onProgress(progress);
        return end.promise;
      }),
    store: { load: () => [], save: () => undefined },
  });
  const notifications = new JobNotifications({
    transfers: list,
    choice: () => setting,
    openBar: (_, cancel) => {
      shown.push('bar');
      bars.push(cancel);
      return { show: job => shown.push(jobMessage(job).slice(0, 3)), end: () => shown.push('bar ends') };
    },
    announce: job => shown.push(`result of ${job.length}: ${job.map(({ state }) => state)}`),
  });
  t.after(() => notifications.dispose());
  const succeed = (domain: string, change: Partial<CopySummary> = {}) =>
    ends.get(domain)?.resolve({ result: resultOf(copied), outcome: { ...outcome, ...change } });
  const fail = (domain: string) => ends.get(domain)?.reject(new TransferFailure('lost', said('Gone.')));
  return { clock, list, shown, bars, succeed, fail };
}

describe('notifications of a copy', () => {
  it('are none where it takes less than a second', async t => {
    const { clock, list, shown, succeed } = notified(t);
    list.add(request);
    await clock.advance(900);
    succeed('web');
    await clock.advance(5_000);
    assert.deepEqual(shown, []);
  });

  it('are none for unchanged files, but one for skipped ones, for no files and for a failure', async t => {
    const { clock, list, shown, succeed, fail } = notified(t);
    for (const domain of ['same', 'kept', 'empty', 'lost']) list.add(requestTo(domain));
    await clock.advance(100);
    succeed('same', { verified: 0, unchanged: 1 });
    await clock.advance(100);
    assert.deepEqual(shown, []);
    succeed('kept', { verified: 0, skipped: 1 });
    await clock.advance(100);
    succeed('empty', { verified: 0, files: 0 });
    await clock.advance(100);
    fail('lost');
    await clock.advance(100);
    assert.deepEqual(shown, ['result of 1: done', 'result of 1: done', 'result of 1: failed']);
  });

  it('are the result of a quick one, too, if it had failed before', async t => {
    const { clock, list, shown, succeed, fail } = notified(t);
    const { id } = list.add(request);
    await clock.advance(100);
    fail('web');
    await clock.advance(100);
    list.retry(id);
    await clock.advance(100);
    succeed('web');
    await clock.advance(100);
    assert.deepEqual(shown, ['result of 1: failed', 'result of 1: done']);
  });

  it('are progress that ends, and then the result', async t => {
    const { clock, list, shown, succeed } = notified(t);
    list.add(request);
    await clock.advance(1_100);
    assert.deepEqual(shown, ['bar', '45%']);
    succeed('web');
    await clock.advance(500);
    assert.deepEqual(shown.slice(2), ['bar ends'], 'VS Code still shows the bar');
    await clock.advance(500);
    assert.deepEqual(shown.slice(3), ['result of 1: done']);
  });

  it('are one progress and one result for several guests', async t => {
    const { clock, list, shown, succeed, fail } = notified(t);
    list.addAll(['web', 'db'].map(requestTo));
    await clock.advance(3_000);
    succeed('web');
    await clock.advance(3_000);
    assert.equal(shown.filter(text => text === 'bar').length, 1);
    assert.ok(!shown.includes('bar ends'));
    fail('db');
    await clock.advance(3_000);
    assert.deepEqual(shown.slice(-2), ['bar ends', 'result of 2: done,failed']);
  });

  it('say nothing of what was cancelled there', async t => {
    const { clock, list, shown, bars } = notified(t);
    list.add(request);
    await clock.advance(2_000);
    bars[0]?.();
    await clock.advance(2_000);
    assert.equal(list.all[0]?.state, 'cancelled');
    assert.deepEqual(shown.slice(2), ['bar ends']);
  });

  it('are only those of failures, or none, where the setting says so', async t => {
    const failures = notified(t, 'failures');
    failures.list.add(requestTo('good'));
    failures.list.add(requestTo('bad'));
    await failures.clock.advance(2_000);
    failures.succeed('good', { skipped: 1 });
    failures.fail('bad');
    await failures.clock.advance(2_000);
    assert.deepEqual(failures.shown, ['result of 1: failed']);
  });

  it('are none at all where the setting says so', async t => {
    const { clock, list, shown, fail } = notified(t, 'never');
    list.add(request);
    await clock.advance(2_000);
    fail('web');
    await clock.advance(2_000);
    assert.deepEqual(shown, []);
  });
});
