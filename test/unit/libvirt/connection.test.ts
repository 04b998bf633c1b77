import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, type LibvirtError, type LifecycleEvent } from 'libvirt';
import { openConnection } from '../../../src/libvirt/src/open.ts';
import { parseUri } from '../../../src/libvirt/src/uri.ts';
import {
  type Answer,
  demoDomain,
  demoDomainXdr,
  FakeLibvirtd,
  KEEPALIVE,
  packetBytes,
  REMOTE,
  STATUS,
  TYPE,
  words,
  xdr,
} from '../../support/fakeLibvirtd.ts';
import { mockClock } from '../../support/mockClock.ts';
import { pollUntil } from '../../support/polling.ts';

const uri = 'qemu:///system';
const silent: Answer = () => {};

async function connectTo(fake: FakeLibvirtd) {
  const connection = await connect(uri, { dial: fake.dial });
  const closes: Array<LibvirtError | undefined> = [];
  connection.on('close', error => closes.push(error));
  return { connection, peer: fake.peer(0), closes };
}

test('connecting authenticates, starts keepalive and opens, in this order', async () => {
  const { connection, peer } = await connectTo(new FakeLibvirtd());
  assert.deepEqual(
    peer.received.map(({ procedure, serial, payload }) => [procedure, serial, payload.toString('hex')]),
    [
      [66, 1, ''], // AUTH_LIST
      [60, 2, '0000000a'], // SUPPORTS_FEATURE 10: keepalive
      [1, 3, xdr(1, uri, 0).toString('hex')], // OPEN: string present, the URI, flags 0
    ],
  );
  assert.equal(connection.uri, uri);
  assert.equal(connection.readOnly, false);
  await connection.close();
});

test('a read-only transport opens read-only and is known as such', async () => {
  const { connection, peer } = await connectTo(new FakeLibvirtd([], { readOnly: true }));
  assert.equal(connection.readOnly, true);
  assert.deepEqual(peer.calls(1)[0]?.payload, xdr(1, uri, 1));
  await connection.close();
});

test('polkit: asked when offered, however long the dialog takes', async () => {
  const dialog = Promise.withResolvers<void>();
  const fake = new FakeLibvirtd([
    [66, (peer, call) => peer.reply(call, words(1, 2))],
    [70, (peer, call) => void dialog.promise.then(() => peer.reply(call, words(1)))],
  ]);
  const connecting = connect(uri, { dial: fake.dial });
  await pollUntil('polkit is asked', () => fake.peers[0]?.calls(70).length === 1);
  dialog.resolve();
  const connection = await connecting;
  await connection.close();
});

for (const [number, code] of [
  [45, 'denied'],
  [94, 'denied'],
  [1, 'auth-failed'],
] as const) {
  test(`polkit's refusal (error ${number}) is told with the connection and its words`, async () => {
    const fake = new FakeLibvirtd([
      [66, (peer, call) => peer.reply(call, words(1, 2))],
      [70, (peer, call) => peer.fail(call, number, 47, 'authentication failed')],
    ]);
    await assert.rejects(connect(uri, { dial: fake.dial }), {
      code,
      number,
      subject: uri,
      says: 'authentication failed',
    });
    await pollUntil('the connection is dropped', () => fake.peer(0).ended);
  });
}

test('a daemon that only takes SASL is named as such', async () => {
  const fake = new FakeLibvirtd([[66, (peer, call) => peer.reply(call, words(1, 1))]]);
  await assert.rejects(connect(uri, { dial: fake.dial }), {
    code: 'auth-failed',
    reason: 'sasl',
    subject: uri,
  });
});

test('a daemon without keepalive is never pinged', async t => {
  const clock = mockClock(t);
  const fake = new FakeLibvirtd([[60, (peer, call) => peer.reply(call, words(0))]]);
  const rpc = await openConnection({
    uri: parseUri(uri),
    dial: fake.dial,
    keepalive: { intervalMs: 100, deadMs: 300 },
  });
  await clock.advance(5_000);
  assert.equal(rpc.closed, false);
  assert.ok(fake.peer(0).received.every(({ program }) => program === REMOTE));
  rpc.close();
});

for (const procedure of [66, 60, 1]) {
  test(`hung up in the handshake, instead of an answer to procedure ${procedure}`, async () => {
    const fake = new FakeLibvirtd([[procedure, peer => peer.hangUp()]]);
    await assert.rejects(connect(uri, { dial: fake.dial }), { code: 'connection-lost' });
  });
}

test('closed before the handshake began', async () => {
  const fake = new FakeLibvirtd();
  const dial: typeof fake.dial = async (...args) => {
    const transport = await fake.dial(...args);
    transport.readable.destroy();
    return transport;
  };
  await assert.rejects(connect(uri, { dial }), { code: 'connection-lost' });
});

test('connecting can be cancelled in the middle, and leaves no connection', async () => {
  const fake = new FakeLibvirtd([[66, silent]]);
  const controller = new AbortController();
  const connecting = connect(uri, { dial: fake.dial, signal: controller.signal });
  await pollUntil('the handshake began', () => fake.peers[0]?.calls(66).length === 1);
  controller.abort();
  await assert.rejects(connecting, { name: 'AbortError' });
  await pollUntil('the connection is dropped', () => fake.peer(0).ended);
});

test('a signal that is aborted already does not even dial', async () => {
  const fake = new FakeLibvirtd();
  await assert.rejects(connect(uri, { dial: fake.dial, signal: AbortSignal.abort() }), {
    name: 'AbortError',
  });
  assert.equal(fake.peers.length, 0);
});

test('answers find their calls in whatever order they come', async () => {
  const held: Array<() => void> = [];
  const fake = new FakeLibvirtd([
    [23, (peer, call) => held.push(() => peer.reply(call, xdr(call.payload, Buffer.alloc(16), 1)))],
  ]);
  const { connection } = await connectTo(fake);
  const lookups = ['one', 'two', 'three'].map(name => connection.lookupByName(name));
  await pollUntil('all are asked', () => held.length === 3);
  for (const answer of held.toReversed()) answer();
  assert.deepEqual(
    (await Promise.all(lookups)).map(({ name }) => name),
    ['one', 'two', 'three'],
  );
  await connection.close();
});

test('the list has each domain’s state; one that vanished meanwhile is left out', async () => {
  const other = xdr('other', Buffer.alloc(16, 1), -1);
  const fake = new FakeLibvirtd([
    [273, (peer, call) => peer.reply(call, xdr(2, demoDomainXdr, other, 2))],
    [
      212,
      (peer, call) => {
        if (call.payload.includes('other')) peer.fail(call, 42, 10, 'Domain not found');
        else peer.reply(call, words(3, 1));
      },
    ],
  ]);
  const { connection } = await connectTo(fake);
  assert.deepEqual(await connection.listDomains(), [{ ...demoDomain, state: 'paused' }]);
  await connection.close();
});

test('a domain without title has none', async () => {
  const fake = new FakeLibvirtd([
    [265, (peer, call) => peer.fail(call, 80, 10, 'Requested metadata element is not present')],
  ]);
  const { connection } = await connectTo(fake);
  assert.equal(await connection.domainTitle(demoDomain), undefined);
  await connection.close();
});

test('a device is attached and detached where it was said, and nowhere unsaid', async () => {
  const ok: Answer = (peer, call) => peer.reply(call, Buffer.alloc(0));
  const { connection, peer } = await connectTo(
    new FakeLibvirtd([
      [160, ok],
      [161, ok],
    ]),
  );
  await connection.attachDevice(demoDomain, '<a/>', { live: true, config: true });
  await connection.attachDevice(demoDomain, '<a/>', { live: false, config: true });
  await connection.detachDevice(demoDomain, '<a/>', { live: true, config: false });
  await assert.rejects(connection.attachDevice(demoDomain, '<a/>', { live: false, config: false }), {
    code: 'invalid-argument',
  });
  assert.deepEqual(
    [...peer.calls(160), ...peer.calls(161)].map(({ payload }) => payload),
    [3, 2, 1].map(flags => xdr(demoDomainXdr, '<a/>', flags)),
  );
  await connection.close();
});

test('a domain is persistent or not', async () => {
  const { connection } = await connectTo(
    new FakeLibvirtd([[151, (peer, call) => peer.reply(call, words(0))]]),
  );
  assert.equal(await connection.isPersistent(demoDomain), false);
  await connection.close();
});

test('an id that is none is refused here', async () => {
  const { connection } = await connectTo(new FakeLibvirtd());
  for (const id of [-1, 1.5, 2 ** 31, Number.NaN]) {
    await assert.rejects(connection.lookupById(id), { code: 'invalid-argument' });
  }
  await connection.close();
});

test('a cancelled call does not disturb those after it, nor does its late answer', async () => {
  const held: Array<() => void> = [];
  const fake = new FakeLibvirtd([[59, (peer, call) => held.push(() => peer.reply(call, xdr('late')))]]);
  const { connection, closes } = await connectTo(fake);
  const controller = new AbortController();
  const call = connection.hostname({ signal: controller.signal });
  await pollUntil('it is asked', () => held.length === 1);
  controller.abort();
  await assert.rejects(call, { name: 'AbortError' });
  held[0]?.();
  assert.deepEqual(await connection.lookupByName('demo'), demoDomain);
  assert.deepEqual(closes, []);
  await connection.close();
});

test('every pending call is rejected when the daemon goes away, and close is told once', async () => {
  const fake = new FakeLibvirtd([
    [59, silent],
    [23, silent],
  ]);
  const { connection, peer, closes } = await connectTo(fake);
  const calls = [connection.hostname(), connection.lookupByName('a'), connection.lookupByName('b')];
  const settled = Promise.allSettled(calls);
  await pollUntil('all are asked', () => peer.calls(23).length === 2);
  peer.hangUp();
  for (const result of await settled) {
    assert.equal(result.status, 'rejected');
    assert.equal((result as PromiseRejectedResult).reason.code, 'connection-lost');
  }
  await pollUntil('close is emitted', () => closes.length > 0);
  assert.equal(closes[0]?.code, 'connection-lost');
  assert.equal(connection.closed, true);
  await assert.rejects(connection.hostname(), { code: 'connection-lost' });
  await connection.close();
  assert.equal(closes.length, 1);
});

test('close() says goodbye and gives no error', async () => {
  const { connection, peer, closes } = await connectTo(new FakeLibvirtd());
  await connection.close();
  await pollUntil('close is emitted', () => closes.length > 0);
  assert.deepEqual(closes, [undefined]);
  assert.equal(peer.calls(2).length, 1);
  await pollUntil('the socket is closed', () => peer.ended);
});

test('close() does not wait for a daemon that answers nothing', async t => {
  const clock = mockClock(t);
  const { connection } = await connectTo(new FakeLibvirtd([[2, silent]]));
  await clock.during(1_100, connection.close());
  assert.equal(connection.closed, true);
});

test('a daemon that leaves pings unanswered is lost', async t => {
  const clock = mockClock(t);
  const fake = new FakeLibvirtd([[59, silent]], { answersPings: false });
  const rpc = await openConnection({
    uri: parseUri(uri),
    dial: fake.dial,
    keepalive: { intervalMs: 100, deadMs: 300 },
  });
  const closed = Promise.withResolvers<LibvirtError | undefined>();
  rpc.onceClosed(closed.resolve);
  const error = await clock.during(2_000, closed.promise);
  assert.equal(error?.code, 'connection-lost');
  assert.equal(error?.reason, 'silent');
  const pings = fake.peer(0).received.filter(({ program }) => program === KEEPALIVE);
  assert.deepEqual(
    pings.map(({ procedure, type, serial }) => [procedure, type, serial]),
    [[1, TYPE.event, 0]],
  );
});

test('the daemon’s pings are answered', async () => {
  const { connection, peer } = await connectTo(new FakeLibvirtd());
  peer.send({ program: KEEPALIVE, procedure: 1, type: TYPE.event, serial: 0, status: STATUS.ok });
  const isPong = (packet: { program: number; procedure: number }) =>
    packet.program === KEEPALIVE && packet.procedure === 2;
  await pollUntil('a pong comes', () => peer.received.some(isPong));
  await connection.close();
});

test('lifecycle events are subscribed to once and told in order', async () => {
  const { connection, peer } = await connectTo(new FakeLibvirtd());
  const events: LifecycleEvent[] = [];
  connection.on('lifecycle', event => events.push(event));
  await connection.subscribeLifecycle();
  await connection.subscribeLifecycle();
  assert.deepEqual(
    peer.calls(316).map(({ payload }) => payload.toString('hex')),
    ['0000000000000000'], // event id 0: lifecycle; no domain: all of them
  );
  for (const [event, detail] of [
    [2, 0],
    [5, 1],
  ] as const) {
    const payload = xdr(0, demoDomainXdr, event, detail);
    peer.send({ program: REMOTE, procedure: 318, type: TYPE.event, serial: 0, status: STATUS.ok, payload });
  }
  await pollUntil('both came', () => events.length === 2);
  assert.deepEqual(events, [
    { domain: demoDomain, event: 'started', detail: 0 },
    { domain: demoDomain, event: 'stopped', detail: 1, stopReason: 'destroyed' },
  ]);
  await connection.close();
});

const stray = { program: REMOTE, procedure: 59, type: TYPE.reply, serial: 99, status: STATUS.ok };
const nonsense: ReadonlyArray<[string, Buffer]> = [
  ['an answer nobody asked for', packetBytes(stray)],
  ['an event cut short', packetBytes({ ...stray, procedure: 318, type: TYPE.event, payload: words(0, 9) })],
  [
    'data of a stream never opened',
    packetBytes({ ...stray, type: TYPE.stream, status: 2, payload: words(1) }),
  ],
  ['an unknown keepalive message', packetBytes({ ...stray, program: KEEPALIVE, procedure: 3, type: 2 })],
  ['something else entirely', Buffer.from('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n')],
];
for (const [what, bytes] of nonsense) {
  test(`dropped with code protocol: a daemon that sends ${what}`, async () => {
    const { connection, peer, closes } = await connectTo(new FakeLibvirtd());
    peer.raw(bytes);
    await pollUntil('the connection is dropped', () => closes.length === 1);
    assert.equal(closes[0]?.code, 'protocol');
    assert.equal(connection.closed, true);
  });
}

const badAnswers: ReadonlyArray<[string, Buffer]> = [
  ['too short', words(8)],
  ['too long', Buffer.concat([xdr('host'), words(0)])],
  ['with an impossible length', words(0xfffffff0)],
];
for (const [what, payload] of badAnswers) {
  test(`an answer ${what} fails its call and the connection`, async () => {
    const fake = new FakeLibvirtd([[59, (peer, call) => peer.reply(call, payload)]]);
    const { connection, closes } = await connectTo(fake);
    await assert.rejects(connection.hostname(), { code: 'protocol' });
    await pollUntil('the connection is dropped', () => closes.length === 1);
  });
}

test('an answer to another procedure than asked is a protocol error', async () => {
  const fake = new FakeLibvirtd([[59, (peer, call) => peer.reply({ ...call, procedure: 14 }, xdr('x'))]]);
  const { connection } = await connectTo(fake);
  await assert.rejects(connection.hostname(), { code: 'protocol' });
});

test('a fault in a listener is not blamed on the daemon', async () => {
  const { connection, peer, closes } = await connectTo(new FakeLibvirtd());
  await connection.subscribeLifecycle();
  const caught = Promise.withResolvers<Error>();
  process.setUncaughtExceptionCaptureCallback(caught.resolve); // before the test runner's own listener
  connection.once('lifecycle', () => {
    throw new RangeError('of the listener');
  });
  const payload = xdr(0, demoDomainXdr, 2, 0);
  peer.send({ program: REMOTE, procedure: 318, type: TYPE.event, serial: 0, status: STATUS.ok, payload });
  assert.equal((await caught.promise).message, 'of the listener');
  process.setUncaughtExceptionCaptureCallback(null);
  assert.equal(connection.closed, false);
  assert.deepEqual(closes, []);
  await connection.close();
});
