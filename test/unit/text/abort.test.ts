import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { abortable, abortError, isAborted, throwIfAborted } from '../../../src/text/abort.ts';

const never = new Promise<never>(() => undefined);

describe('abort', () => {
  it('knows an AbortError, whoever made it', async () => {
    assert.ok(abortError() instanceof DOMException);
    assert.ok(isAborted(abortError()));
    assert.ok(
      isAborted(await delay(1_000, undefined, { signal: AbortSignal.abort() }).catch(error => error)),
    );
    for (const other of [new Error('no'), new DOMException('no', 'TimeoutError'), undefined, 'AbortError'])
      assert.ok(!isAborted(other));
  });

  it('throws the same error whatever reason the caller gave', () => {
    throwIfAborted(undefined);
    throwIfAborted(new AbortController().signal);
    assert.throws(() => throwIfAborted(AbortSignal.abort(new Error('reason'))), isAborted);
  });

  it('cuts waiting short and leaves no listener behind', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    assert.equal(await abortable(Promise.resolve(1), signal), 1);
    assert.equal(await abortable(Promise.resolve(1), undefined), 1);
    await assert.rejects(abortable(Promise.reject(new Error('its own')), signal), /its own/);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    const waiting = abortable(never, signal);
    controller.abort();
    await assert.rejects(waiting, isAborted);
    await assert.rejects(abortable(Promise.resolve(1), signal), isAborted);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });
});
