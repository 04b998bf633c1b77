// One copy into several guests, as the window sees it: one job of several transfers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { targetName } from '../../../src/engine/guest/target.ts';
import { commonDestination } from '../../../src/engine/transfers/destinations.ts';
import { type Job, jobOf, jobsOf } from '../../../src/engine/transfers/jobs.ts';
import { sharedAnswers } from '../../../src/engine/transfers/sharedAnswers.ts';
import type { Transfer, TransferRecord } from '../../../src/engine/transfers/transfer.ts';
import { TransferFailure } from '../../../src/engine/transfers/transferFailure.ts';
import { type Completion, TransferList } from '../../../src/engine/transfers/transferList.ts';
import type { TransferRun } from '../../../src/engine/transfers/transferRun.ts';
import type { Conflict, ConflictDecision } from '../../../src/transfer/index.ts';
import { TransferQueue } from '../../../src/transfer/index.ts';
import { jobDetails } from '../../../src/ui/transfers/detailsText.ts';
import { jobMessage, jobPercent, jobResult, jobTitle } from '../../../src/ui/transfers/jobText.ts';
import { copied, outcome, progress, request, requestTo, resultOf, said } from './samples.ts';

const success: Completion = { result: resultOf(copied), outcome };
const requests = ['web', 'db', 'cache'].map(requestTo);

function part(domain: string, change: Partial<Transfer> = {}): Transfer {
  return { id: domain, group: 'g', request: requestTo(domain), state: 'running', ...change };
}

const jobFrom = (...[first, ...others]: [Transfer, ...Transfer[]]): Job => [first, ...others];
const done = { state: 'done', outcome } as const;
const failedWith = (message: string) =>
  ({ state: 'failed', error: { code: 'x', message: said(message) } }) as const;

/** A list whose transfers end when the test says so. */
function harness() {
  const runs: TransferRun[][] = [];
  const ends = new Map<string, PromiseWithResolvers<Completion>>();
  let saved: readonly TransferRecord[] = [];
  const list = new TransferList({
    queue: new TransferQueue({ maxParallel: () => 1 }),
    run: batch => {
      runs.push([...batch]);
      return batch.map(({ transfer, signal }) => {
        const end = Promise.withResolvers<Completion>();
        const abort = () => end.reject(new TransferFailure('aborted', said('cancelled')));
        signal.addEventListener('abort', abort, { once: true });
        ends.set(targetName(transfer.request.target), end);
        return end.promise;
      });
    },
    store: {
      load: () => saved,
      save: records => {
        saved = records;
      },
    },
  });
  const end = (domain: string) => ends.get(domain) ?? assert.fail(`${domain} does not run`);
  const states = () => list.all.map(({ request, state }) => `${targetName(request.target)} ${state}`);
  const idOf = (domain: string) => list.all.find(one => targetName(one.request.target) === domain)?.id ?? '';
  return { list, runs, end, states, idOf };
}

describe('a copy into several guests', () => {
  it('a copy into several guests runs as one job, and each guest ends by itself', async () => {
    const { list, runs, end, states } = harness();
    const completions = list.addAll(requests);
    await turn();
    assert.deepEqual(states(), ['web running', 'db running', 'cache running']);
    assert.deepEqual(
      runs.map(({ length }) => length),
      [3],
    );
    end('db').resolve(success);
    end('web').reject(new TransferFailure('no-receiver', said('Nobody answers.')));
    await Promise.allSettled(completions.slice(0, 2));
    assert.deepEqual(states(), ['web failed', 'db done', 'cache running']);
    end('cache').resolve(success);
    await Promise.allSettled(completions);
    assert.equal(jobsOf(list.all).length, 1);
  });

  it('a copy into several guests waits for all of them, and starts without a cancelled one', async () => {
    const { list, runs, end, states, idOf } = harness();
    const before = list.add(requestTo('db'));
    const completions = list.addAll(requests);
    await turn();
    assert.equal(list.all.filter(({ state }) => state === 'queued').length, 3);
    list.cancel(idOf('web'));
    await assert.rejects(completions[0] as Promise<Completion>, { code: 'aborted' });
    end('db').resolve(success);
    await before.completion;
    await turn();
    assert.deepEqual(states().slice(0, 3), ['web cancelled', 'db running', 'cache running']);
    assert.equal(runs.at(-1)?.length, 2);
    await list.stop();
  });

  it('a copy into several guests leaves the queue when all are cancelled', async () => {
    const { list, runs, end } = harness();
    list.add(request);
    const completions = list.addAll(requests);
    const { completion: next } = list.add(requestTo('next'));
    await turn();
    for (const { id, group } of list.all) if (group) list.cancel(id);
    await Promise.allSettled(completions);
    end('web').resolve(success);
    await turn();
    end('next').resolve(success);
    await next;
    assert.deepEqual(
      runs.map(batch => batch.map(run => targetName(run.transfer.request.target))),
      [['web'], ['next']],
    );
  });

  it('a retry copies into the failed guests as a job of their own', async () => {
    const { list, runs, end, idOf } = harness();
    const completions = list.addAll(requests);
    await turn();
    end('cache').resolve(success);
    for (const name of ['web', 'db']) end(name).reject(new TransferFailure('lost', said('Gone.')));
    await Promise.allSettled(completions);
    const again = list.retry(...list.all.map(({ id }) => id));
    await turn();
    assert.deepEqual(
      runs.at(-1)?.map(run => targetName(run.transfer.request.target)),
      ['web', 'db'],
    );
    const web = list.get(idOf('web'));
    assert.ok(web);
    assert.deepEqual(
      jobOf(list.all, web).map(one => targetName(one.request.target)),
      ['web', 'db'],
    );
    for (const name of ['web', 'db']) end(name).resolve(success);
    await Promise.all(again);
  });
});

describe('texts about a copy into several guests', () => {
  it('the title names the guests, or how many there are', () => {
    const few = jobFrom(part('web'), part('db'));
    assert.equal(jobTitle(few), 'Copying notes.txt to web, db');
    const many = jobFrom(part('web'), ...['b', 'c', 'd'].map(name => part(name)));
    assert.equal(jobTitle(many), 'Copying notes.txt to 4 guests');
  });

  it('the percentage counts every guest the same', () => {
    const job = jobFrom(part('web', { progress }), part('db', done), part('cache'));
    assert.equal(jobPercent(job), Math.floor((45 + 100 + 0) / 3));
    assert.equal(jobMessage(job), '48% · 50.0 kB/s · 0:11 left · 1 of 3 guests done');
  });

  it('the progress says what the copy is waiting for', () => {
    const queued = { state: 'queued' } as const;
    assert.match(
      jobMessage(jobFrom(part('web', queued), part('db', queued))),
      /^waiting for earlier transfers/,
    );
    assert.equal(jobMessage(jobFrom(part('web'), part('db'))), 'looking for the receivers…');
    const asking = part('db', { progress, asking: '/home/me/notes.txt' });
    assert.equal(
      jobMessage(jobFrom(part('web', { progress }), asking)),
      'waiting for your answer about notes.txt in db',
    );
    assert.equal(jobMessage(jobFrom(asking)), 'waiting for your answer about notes.txt');
  });

  it('the result says "verified" only if it\'s true of every guest', () => {
    const verified = jobResult(jobFrom(part('web', done), part('db', done)));
    assert.equal(verified.text, 'Copied and verified: notes.txt → web, db.');
    const skipped = { ...done, outcome: { ...outcome, verified: 0, skipped: 1 } };
    const partly = jobResult(jobFrom(part('web', done), part('db', skipped)));
    assert.doesNotMatch(partly.text, /verified/);
    assert.match(partly.text, /some files were skipped/);
    const unchanged = { ...done, outcome: { ...outcome, verified: 0, unchanged: 1 } };
    const same = jobResult(jobFrom(part('web', done), part('db', unchanged)));
    assert.match(same.text, /^Up to date: /);
    const failed = jobResult(jobFrom(part('web', done), part('db', failedWith('Its disk is full.'))));
    assert.equal(failed.text, 'notes.txt was copied to 1 of 2 guests. db: "Its disk is full."');
    assert.deepEqual(
      failed.failed.map(({ id }) => id),
      ['db'],
    );
    const none = jobResult(jobFrom(part('web', failedWith('A.')), part('db', failedWith('B.'))));
    assert.equal(none.text, 'notes.txt couldn\'t be copied to any of the 2 guests. web: "A." db: "B."');
  });

  it("the result doesn't count cancelled guests as copied", () => {
    const result = jobResult(jobFrom(part('web', done), part('db', { state: 'cancelled' })));
    assert.equal(result.text, 'Copied and verified: notes.txt → web.');
  });

  it('the details list every guest', () => {
    const text = jobDetails(jobFrom(part('web', done), part('db', failedWith('Its disk is full.'))));
    assert.match(text, /Domain: web[\s\S]*SHA-256[\s\S]*Its disk is full\.[\s\S]*Domain: db/);
  });
});

describe('questions of a copy into several guests', () => {
  const conflict = { destination: '/srv/x' } as Conflict;
  const { signal } = new AbortController();
  const ignore = () => undefined;

  function answering(...decisions: ConflictDecision[]) {
    const asked: string[] = [];
    let cancelled = 0;
    const ask = sharedAnswers(
      async (_, domain) => {
        asked.push(domain);
        await turn();
        return decisions[asked.length - 1] ?? assert.fail('asked once too often');
      },
      () => {
        cancelled += 1;
      },
    );
    return { ask, asked, cancelled: () => cancelled };
  }

  it('questions are asked for each guest, until one is answered for all', async () => {
    const { ask, asked } = answering({ action: 'skip' }, { action: 'overwrite', forAll: true });
    const answers = ['web', 'db', 'cache'].map(domain => ask(conflict, domain, signal, ignore));
    const actions = (await Promise.all(answers)).map(({ action }) => action);
    assert.deepEqual(actions, ['skip', 'overwrite', 'overwrite']);
    assert.deepEqual(asked, ['web', 'db']);
  });

  it('"overwrite all" covers what this copy has made only if that was known', async () => {
    const overwrite = { action: 'overwrite', forAll: true } as const;
    const { ask, asked } = answering(overwrite, overwrite);
    const own = { ...conflict, isJustMade: true };
    for (const one of [conflict, own, own, conflict])
      assert.equal((await ask(one, 'web', signal, ignore)).action, 'overwrite');
    assert.equal(asked.length, 2);
    const skipping = answering({ action: 'skip', forAll: true });
    for (const one of [conflict, own]) await skipping.ask(one, 'web', signal, ignore);
    assert.equal(skipping.asked.length, 1);
  });

  it('cancelling a question cancels the copy in every guest', async () => {
    const { ask, cancelled } = answering({ action: 'cancel' });
    assert.equal((await ask(conflict, 'web', signal, ignore)).action, 'cancel');
    assert.equal(cancelled(), 1);
  });

  it('questions continue for the other guests if one is cancelled', async () => {
    const { ask, cancelled } = answering({ action: 'cancel' });
    await ask(conflict, 'web', AbortSignal.abort(), ignore);
    assert.equal(cancelled(), 0);
  });
});

describe('the destination in several guests', () => {
  it('the destination for several guests is the one they share, else the home folder', () => {
    assert.equal(commonDestination(['/srv/', '/srv/']), '/srv/');
    assert.equal(commonDestination(['/srv/', 'C:\\Users\\Public\\']), '~/');
    assert.equal(commonDestination(['/srv/']), '/srv/');
  });
});
