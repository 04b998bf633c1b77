// One copy into one guest or several, from opening to closing.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Target } from '../../../src/engine/guest/target.ts';
import { message } from '../../../src/engine/messages/message.ts';
import { type GuestCopy, runCopies } from '../../../src/engine/transfers/runCopies.ts';
import { LinkError } from '../../../src/link/index.ts';
import { fakeGuest } from './fakeGuest.ts';

describe('running a copy', () => {
  let directory: string;
  let source: string;
  const content = Buffer.alloc(300_000, 'guestwire ');
  before(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-unit-'));
    source = path.join(directory, 'file');
    fs.writeFileSync(source, content);
  });
  after(() => fs.rmSync(directory, { recursive: true, force: true }));

  const target = (name: string): Target => ({ kind: 'domain', uri: 'test:///x', name, link: 'auto' });

  function copyTo(name: string, change: Partial<GuestCopy> = {}): GuestCopy {
    const { signal } = new AbortController();
    return { target: target(name), destination: '/f', options: { conflict: 'fail' }, signal, ...change };
  }

  const nobody = () =>
    Promise.reject(new LinkError('no-receiver', 'No receiver answered.', { attempts: [] }));

  it('says who answered before the first byte, and closes each guest at its end', async () => {
    const guest = await fakeGuest('web');
    const opened: unknown[] = [];
    const onOpened = (one: unknown) => {
      assert.equal(guest.receiver.puts.length, 0);
      opened.push(one);
    };
    const [end] = await Promise.all(runCopies([copyTo('web', { onOpened })], [source], async () => guest));
    assert.equal(end?.failure, undefined);
    assert.equal(end?.result?.files[0]?.verified, true);
    assert.deepEqual(opened, [guest]);
    assert.ok(guest.receiver.files.get('/f')?.equals(content));
    assert.ok(guest.closed());
  });

  it('serves the others when a guest has no receiver, and begins only when that is known', async () => {
    const guest = await fakeGuest('web');
    const answer = Promise.withResolvers<never>();
    const copies = [copyTo('web'), copyTo('db')];
    const ends = runCopies(copies, [source], one =>
      one === copies[1]?.target ? answer.promise : Promise.resolve(guest),
    );
    await turn();
    assert.deepEqual(guest.receiver.requests, []);
    answer.reject(await nobody().catch(error => error));
    const [web, db] = await Promise.all(ends);
    assert.equal(web?.failure, undefined);
    assert.equal(db?.guest, undefined);
    assert.equal(db?.result, undefined);
    assert.equal(db?.failure?.code, 'no-receiver');
    assert.deepEqual(db?.failure?.message, message('session.no-receiver', message('guest.domain', 'db')));
  });

  it('gives what had been done when it breaks off, and who the receiver runs as', async () => {
    const guest = await fakeGuest('web', {
      answer: ({ verb }) => {
        if (verb === 'commit') setImmediate(() => guest.session.close());
        return verb === 'commit' ? [] : undefined;
      },
    });
    const [end] = await Promise.all(runCopies([copyTo('web')], [source], async () => guest));
    assert.notEqual(end?.failure?.code, 'aborted');
    assert.equal(end?.guest, guest);
    assert.equal(end?.result?.files.length, 1);
    assert.ok(guest.closed());
  });

  it('cancels one guest alone, at whatever stage', async () => {
    const controller = new AbortController();
    const guests = new Map([
      ['web', await fakeGuest('web')],
      [
        'db',
        await fakeGuest('db', {
          answer: ({ verb }) => {
            if (verb === 'commit') controller.abort();
            return verb === 'commit' ? [] : undefined;
          },
        }),
      ],
    ]);
    const copies = [
      copyTo('web'),
      copyTo('db', { signal: controller.signal }),
      copyTo('late', { signal: AbortSignal.abort() }),
    ];
    const ends = await Promise.all(
      runCopies(copies, [source], async one => {
        return (one.kind === 'domain' && guests.get(one.name)) || nobody();
      }),
    );
    assert.deepEqual(
      ends.map(({ failure }) => failure?.code),
      [undefined, 'aborted', 'aborted'],
    );
    assert.ok([...guests.values()].every(guest => guest.closed()));
  });
});
