import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { TransferQueue, type Turn } from '../../../src/transfer/index.ts';

/** Works that note when they start, and end when told to. */
function harness(maxParallel: () => number) {
  const queue = new TransferQueue({ maxParallel });
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (name: string, resource: string, signal?: AbortSignal) =>
    queue.run(
      resource.split('+'),
      () => {
        started.push(name);
        return new Promise<string>(resolve => ends.set(name, () => resolve(name)));
      },
      signal,
    );
  const end = async (name: string) => {
    ends.get(name)?.();
    await turn();
  };
  return { queue, started, run, end };
}

describe('transfer queue', () => {
  it('runs different resources side by side, and one resource one after the other', async () => {
    const { started, run, end } = harness(() => 10);
    const all = [run('a1', 'a'), run('a2', 'a'), run('b1', 'b')];
    await turn();
    assert.deepEqual(started, ['a1', 'b1']);
    await end('a1');
    assert.deepEqual(started, ['a1', 'b1', 'a2']);
    await end('b1');
    await end('a2');
    assert.deepEqual(await Promise.all(all), ['a1', 'a2', 'b1']);
  });

  it('keeps to the limit over all resources, and takes a raised one at once', async () => {
    let limit = 1;
    const { queue, started, run, end } = harness(() => limit);
    void run('a', 'a');
    void run('b', 'b');
    void run('c', 'c');
    await turn();
    assert.deepEqual(started, ['a']);
    limit = 2;
    queue.startNext();
    await turn();
    assert.deepEqual(started, ['a', 'b']);
    await end('a');
    assert.deepEqual(started, ['a', 'b', 'c']);
  });

  it('takes a limit below one for one', async () => {
    const { started, run } = harness(() => 0);
    void run('a', 'a');
    await turn();
    assert.deepEqual(started, ['a']);
  });

  it('goes on after a failure', async () => {
    const { queue, started, run } = harness(() => 1);
    const failing = queue.run(['a'], () => Promise.reject(new Error('broken')));
    void run('next', 'a');
    await assert.rejects(failing, /broken/);
    await turn();
    assert.deepEqual(started, ['next']);
  });

  it('drops what is cancelled while it waits', async () => {
    const { started, run, end } = harness(() => 1);
    const controller = new AbortController();
    void run('a', 'a');
    const waiting = run('b', 'a', controller.signal);
    void run('c', 'a');
    controller.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
    await end('a');
    assert.deepEqual(started, ['a', 'c']);
    await assert.rejects(run('d', 'd', controller.signal), /cancelled/);
  });

  it('starts who needs several resources when all are free, and lets nobody overtake it there', async () => {
    const { started, run, end } = harness(() => 10);
    const all = [run('a1', 'a'), run('both', 'a+b'), run('b1', 'b'), run('c1', 'c')];
    await turn();
    assert.deepEqual(started, ['a1', 'c1']);
    await end('a1');
    assert.deepEqual(started, ['a1', 'c1', 'both']);
    await end('both');
    assert.deepEqual(started, ['a1', 'c1', 'both', 'b1']);
    for (const name of ['b1', 'c1']) await end(name);
    await Promise.all(all);
  });

  it('lets the next one start beside who gives a resource away for another', async () => {
    const { queue, started, run, end } = harness(() => 10);
    let first: Turn | undefined;
    const over = Promise.withResolvers<void>();
    const running = queue.run(['a'], turn => {
      first = turn;
      return over.promise;
    });
    const beside = run('beside', 'a');
    const blocked = run('blocked', 'a+b');
    await turn();
    assert.deepEqual(started, []);
    assert.equal(first?.whenAlone('a'), undefined);
    first?.exchange('a', 'b');
    await turn();
    assert.deepEqual(started, ['beside']);
    assert.equal(first?.whenAlone('a'), undefined, 'oneself is no company');
    await end('beside');
    await beside;
    assert.deepEqual(started, ['beside'], 'b is still held');
    over.resolve();
    await running;
    await turn();
    assert.deepEqual(started, ['beside', 'blocked']);
    await end('blocked');
    await blocked;
  });

  it('counts who has several resources as one', async () => {
    const { started, run, end } = harness(() => 2);
    const all = [run('three', 'a+b+c'), run('d1', 'd'), run('e1', 'e')];
    await turn();
    assert.deepEqual(started, ['three', 'd1']);
    for (const name of ['three', 'd1', 'e1']) await end(name);
    await Promise.all(all);
  });
});
