import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { isProtocolError, isRemoteError, openSession } from '../../../src/protocol/index.ts';
import { pollUntil } from '../../support/polling.ts';
import { FakeLink } from './fakeLink.ts';
import { FakeReceiver, type FakeReceiverOptions } from './fakeReceiver.ts';
import { signatureOf } from './signatureOf.ts';

async function open(options: FakeReceiverOptions = {}) {
  const receiver = new FakeReceiver(options);
  const link = new FakeLink(receiver);
  return { receiver, link, session: await openSession(link, { isChannel: true }) };
}

describe('Session', () => {
  it('answers requests and closes in good order', async () => {
    const { receiver, link, session } = await open();
    const found = await session.request('stat', { path: '/nothing' });
    assert.equal(found.get('type'), 'none');
    await session.close();
    assert.equal(receiver.byes, 1);
    assert.ok(link.destroyed);
  });

  it('closes the stream when the receiver ends the session', async () => {
    const { receiver, link, session } = await open();
    receiver.reset('bye');
    link.flush();
    await pollUntil('the session has ended', () => session.ended !== undefined);
    await pollUntil('the stream is closed', () => link.destroyed);
  });

  it('turns an error answer into a RemoteError', async () => {
    const { session } = await open({
      answer: () => [['error', { code: 'no-space', message: 'disk full', path: '/x', errno: 'ENOSPC' }]],
    });
    await assert.rejects(session.request('mkdir', { path: '/x' }), (error: unknown) => {
      assert.ok(isRemoteError(error, 'no-space'));
      assert.equal(error.path, '/x');
      assert.equal(error.errno, 'ENOSPC');
      return true;
    });
    await session.close();
  });

  it('puts a file through the window', async () => {
    const { receiver, session } = await open();
    const content = randomBytes(500_000);
    const put = await session.put({ path: '/f' });
    for (let at = 0; at < content.length; at += 4_000) {
      put.sendData(content.subarray(at, at + 4_000));
      await put.room();
    }
    await put.commit(createHash('sha256').update(content).digest('hex'));
    assert.deepEqual(receiver.files.get('/f'), content);
    assert.ok(session.wireBytes > content.length);
    await session.close();
  });

  it('opens no more requests at once than the receiver takes', async () => {
    const { receiver, session } = await open({ streams: 3 });
    const puts = Array.from({ length: 5 }, (_, index) => session.put({ path: `/${index}` }));
    const [first] = await Promise.all(puts.slice(0, 3));
    await pollUntil('3 requests came', () => receiver.requests.length === 3);
    await first?.commit('');
    await puts[3];
    await pollUntil('5 requests came', () => receiver.requests.length === 5);
    assert.deepEqual(receiver.requests, ['put', 'put', 'put', 'commit', 'put']);
    const rejected = assert.rejects(Promise.all(puts), { code: 'closed' });
    await session.close();
    await rejected;
  });

  it('brings a signature, and frees the stream after a refusal or a cancellation', async () => {
    let isSilent = false;
    const { receiver, session } = await open({
      streams: 1,
      answer: ({ verb }) =>
        verb === 'cancel' ? [['error', { code: 'cancelled' }]] : isSilent ? [] : undefined,
    });
    const content = randomBytes(300_000);
    receiver.files.set('/f', content);
    const came: Buffer[] = [];
    const onData = (offset: number, bytes: Buffer) => {
      assert.equal(offset, Buffer.concat(came).length);
      came.push(Buffer.from(bytes));
    };
    const reply = await (await session.signature({ path: '/f', block: 1_000 }, onData)).result;
    assert.equal(reply.get('size'), '300000');
    assert.deepEqual(Buffer.concat(came), signatureOf(content, 1_000));
    const refused = await session.signature({ path: '/none', block: 1_000 }, onData);
    await assert.rejects(refused.result, { code: 'not-found' });
    isSilent = true;
    const cancelled = await session.signature({ path: '/f', block: 1_000 }, onData);
    cancelled.cancel();
    await assert.rejects(cancelled.result, { code: 'cancelled' });
    isSilent = false;
    await session.request('stat', { path: '/f' });
    await session.close();
  });

  it('says so when nobody answers', async () => {
    const receiver = new FakeReceiver();
    receiver.mute = true;
    await assert.rejects(openSession(new FakeLink(receiver), { timeoutMs: 50 }), { code: 'no-receiver' });
  });

  it('can be cancelled while greeting', async () => {
    const receiver = new FakeReceiver();
    receiver.mute = true;
    const abort = new AbortController();
    const opening = openSession(new FakeLink(receiver), { signal: abort.signal });
    abort.abort();
    await assert.rejects(opening, { name: 'AbortError' });
  });

  it('rejects everything that waits when the link closes or breaks', async () => {
    for (const error of [undefined, new Error('the daemon is gone')]) {
      const { link, session } = await open({ answer: () => [] });
      const waiting = [
        session.request('stat', { path: '/' }),
        session.put({ path: '/f' }).then(put => put.accepted),
      ];
      const outcomes = Promise.allSettled(waiting);
      link.destroy(error);
      for (const outcome of await outcomes) {
        assert.equal(outcome.status, 'rejected');
        const reason: unknown = outcome.status === 'rejected' && outcome.reason;
        assert.ok(isProtocolError(reason) && reason.code === 'closed');
        assert.equal(reason.cause, error);
      }
      await assert.rejects(session.request('stat', { path: '/' }), { code: 'closed' });
    }
  });

  it('refuses a path that no frame could carry', async () => {
    const { session } = await open();
    await assert.rejects(session.request('stat', { path: 'x'.repeat(20_000) }), RangeError);
    await session.close();
  });
});
