// What a transfer tells the window of its guest: the receiver that answered, and the link that it has.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Receivers } from '../../../src/engine/connections/receivers.ts';
import { targetKey } from '../../../src/engine/guest/target.ts';
import type { Engine } from '../../../src/engine/loadEngine.ts';
import { OwnCopies } from '../../../src/engine/transfers/ownCopies.ts';
import { runCopies } from '../../../src/engine/transfers/runCopies.ts';
import { type RunOptions, runTransfers } from '../../../src/engine/transfers/runTransfers.ts';
import { LinkError } from '../../../src/link/index.ts';
import { localDisk } from '../../../src/transfer/index.ts';
import { request, target } from '../ui/samples.ts';
import { type FakeGuest, fakeGuest } from './fakeGuest.ts';

async function run(open: () => Promise<FakeGuest>, isBeside = false) {
  const sideLinks: string[] = [];
  const receivers = new Receivers();
  const options: RunOptions = {
    ...{ receivers, ownCopies: new OwnCopies(), sourceSystem: localDisk },
    ...{ signal: new AbortController().signal, compression: 'auto', delta: 'auto', lanes: 'off' },
    links: { onSideLink: device => sideLinks.push(device), isBeside: () => isBeside },
    onProgress: () => undefined,
    onConflict: async () => ({ action: 'cancel' }),
  };
  const engine = {
    runCopies: (copies, sources) => runCopies(copies, sources, open),
  } as Pick<Engine, 'runCopies'> as Engine;
  const own = { ...request, sources: [import.meta.filename], destination: '/f' };
  await Promise.allSettled(runTransfers(engine, [{ request: own, options }]));
  return { sideLinks, receiver: receivers.state(targetKey(target)) };
}

describe('a transfer at work', () => {
  it('tells of a link that is not the best of its domain', async () => {
    assert.deepEqual(await run(() => fakeGuest('serial1')), { sideLinks: ['serial1'], receiver: 'ready' });
  });

  it('has no side link where the domain has no channel, or where it has the channel', async () => {
    const guest = await fakeGuest('serial1');
    assert.deepEqual((await run(async () => ({ ...guest, hasChannel: false }))).sideLinks, []);
    const { link, ...other } = await fakeGuest('org.guestwire.0');
    const channel = { ...link, description: { ...link.description, kind: 'channel' } as const };
    assert.deepEqual((await run(async () => ({ ...other, link: channel }))).sideLinks, []);
  });

  it('calls a guest silent only if no other transfer keeps it busy', async () => {
    const nobody = () => Promise.reject(new LinkError('no-receiver', 'Nobody.', { attempts: [] }));
    assert.equal((await run(nobody)).receiver, 'silent');
    assert.equal((await run(nobody, true)).receiver, 'unknown');
  });
});
