import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect, type LibvirtConnection, type LibvirtStream } from 'libvirt';
import { openConnection } from '../../../src/libvirt/src/open.ts';
import { RpcStream } from '../../../src/libvirt/src/stream.ts';
import { parseUri } from '../../../src/libvirt/src/uri.ts';
import {
  type Answer,
  demoDomain,
  demoDomainXdr,
  errorPayload,
  FakeLibvirtd,
  type FakePacket,
  type FakePeer,
  KEEPALIVE,
  STATUS,
  TYPE,
  xdr,
} from '../../support/fakeLibvirtd.ts';
import { mockClock } from '../../support/mockClock.ts';
import { pollUntil } from '../../support/polling.ts';
import { randomBytes, randomChunks, seededRandom } from '../../support/random.ts';

interface Opened {
  readonly connection: LibvirtConnection;
  readonly stream: LibvirtStream;
  /** The daemon's end of the stream's private connection, and the call that opened the stream. */
  readonly peer: FakePeer;
  readonly call: FakePacket;
}

async function openFake(fake = new FakeLibvirtd()): Promise<Opened> {
  const connection = await connect('qemu:///system', { dial: fake.dial });
  const stream = await connection.openChannel(demoDomain, 'org.guestwire.0');
  const peer = fake.peer(1);
  const call = peer.calls(296)[0];
  assert.ok(call);
  return { connection, stream, peer, call };
}

/** Confirms finish or abort, as the daemon does. */
function confirm(peer: FakePeer, call: FakePacket): void {
  peer.stream(call, STATUS.ok);
}

test('a stream has a connection of its own, opened with the device’s name', async () => {
  const { connection, stream, peer, call } = await openFake();
  assert.deepEqual(call.payload, xdr(demoDomainXdr, 1, 'org.guestwire.0', 0));
  stream.destroy();
  await pollUntil('an abort is sent', () => peer.streamPackets(STATUS.error).length === 1);
  confirm(peer, call);
  await once(stream, 'close');
  await pollUntil('its connection is closed', () => peer.ended);
  assert.equal(connection.closed, false);
  await connection.close();
});

test('no device takes the first; force is passed on only when asked for', async () => {
  const fake = new FakeLibvirtd();
  const connection = await connect('qemu:///system', { dial: fake.dial });
  const first = await connection.openConsole(demoDomain, undefined);
  const second = await connection.openConsole(demoDomain, 'serial0', { force: true });
  assert.deepEqual(fake.peer(1).calls(201)[0]?.payload, xdr(demoDomainXdr, 0, 0));
  assert.deepEqual(fake.peer(2).calls(201)[0]?.payload, xdr(demoDomainXdr, 1, 'serial0', 1));
  for (const stream of [first, second]) stream.destroy();
  await connection.close();
});

test('bytes written arrive in order; small writes are merged', async () => {
  const { stream, peer, call } = await openFake();
  const random = seededRandom(5);
  const bytes = randomBytes(random, 700_000);
  for (const chunk of randomChunks(bytes, random, 1_000)) {
    if (!stream.write(chunk)) await once(stream, 'drain');
  }
  await pollUntil('all arrived', () => peer.streamBytes().length === bytes.length);
  assert.ok(peer.streamBytes().equals(bytes));
  const packets = peer.streamPackets(STATUS.continue);
  assert.ok(packets.length < 100, `1,400 writes made ${packets.length} packets`);
  assert.ok(packets.every(({ payload }) => payload.length > 0 && payload.length <= 262_120));
  assert.ok(packets.every(({ serial, procedure }) => serial === call.serial && procedure === 296));
  stream.destroy();
});

test('an empty write calls back and sends nothing', async () => {
  const { stream, peer } = await openFake();
  await new Promise<void>((resolve, reject) => {
    stream.write(Buffer.alloc(0), error => (error ? reject(error) : resolve()));
  });
  assert.equal(peer.streamPackets(STATUS.continue).length, 0);
  stream.destroy();
});

test('bytes read arrive in order, with pauses', async () => {
  const { stream, peer, call } = await openFake();
  const bytes = randomBytes(seededRandom(6), 400_000);
  for (const chunk of randomChunks(bytes, seededRandom(7), 60_000)) peer.stream(call, STATUS.continue, chunk);
  peer.stream(call, STATUS.continue);
  const received: Buffer[] = [];
  for await (const chunk of stream) {
    received.push(chunk);
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.ok(Buffer.concat(received).equals(bytes));
});

test('a reader that pauses makes us stop taking bytes from the socket', async t => {
  const clock = mockClock(t);
  const { stream, peer, call } = await openFake();
  const chunk = Buffer.alloc(64 * 1024, 1);
  for (let i = 0; i < 100; i++) peer.stream(call, STATUS.continue, chunk);
  await pollUntil('the buffer is full', () => stream.readableLength >= stream.readableHighWaterMark);
  await clock.advance(50); // time for more to come, if it were not held back
  assert.ok(stream.readableLength < 600_000, `${stream.readableLength} of 6,553,600 bytes were taken`);
  let total = 0;
  stream.on('data', (bytes: Buffer) => {
    total += bytes.length;
  });
  await pollUntil('all arrived', () => total === 100 * chunk.length);
  stream.destroy();
});

test('a guest that does not read holds the writer back', async t => {
  const clock = mockClock(t);
  const { stream, peer } = await openFake();
  peer.stopReading();
  let written = 0;
  while (stream.write(Buffer.alloc(64 * 1024)) && written < 100) written++;
  assert.ok(written < 20, `${written} writes of 64 KiB were taken`);
  let drained = false;
  stream.once('drain', () => {
    drained = true;
  });
  await clock.advance(50); // time for a drain that would be wrong
  assert.equal(drained, false);
  peer.startReading();
  await pollUntil('it drains', () => drained);
  stream.destroy();
});

test('end() finishes both ways once the daemon confirms', async () => {
  const { stream, peer, call } = await openFake();
  stream.resume();
  stream.end('last words');
  await pollUntil('the finish is sent', () => peer.streamPackets(STATUS.ok).length === 1);
  assert.equal(peer.streamBytes().toString(), 'last words');
  assert.equal(stream.writableFinished, false);
  peer.stream(call, STATUS.continue, Buffer.from('still from the guest'));
  const data = once(stream, 'data');
  const ends = Promise.all([once(stream, 'finish'), once(stream, 'end'), once(stream, 'close')]);
  confirm(peer, call);
  assert.equal((await data)[0].toString(), 'still from the guest');
  await ends;
  await pollUntil('its connection is closed', () => peer.ended);
});

test('end() that is not confirmed is an error within about a second', async t => {
  const clock = mockClock(t);
  const { stream, peer } = await openFake();
  const codes: unknown[] = [];
  stream.on('error', (error: Error & { code?: string }) => codes.push(error.code));
  stream.end('x');
  await clock.advance(900);
  assert.deepEqual(codes, []);
  await clock.advance(200);
  assert.deepEqual(codes, ['stalled']);
  await pollUntil('its connection is closed', () => peer.ended);
});

test('destroy() that is not confirmed closes within about a second, without error', async t => {
  const clock = mockClock(t);
  const { stream, peer } = await openFake();
  peer.stopReading();
  stream.write(Buffer.alloc(500_000));
  stream.destroy();
  await clock.advance(900);
  assert.equal(stream.closed, false);
  await clock.advance(200);
  assert.equal(stream.closed, true);
});

test('the end of the device ends both sides without an error', async () => {
  const { stream, peer, call } = await openFake();
  stream.resume();
  peer.stream(call, STATUS.continue);
  await once(stream, 'end');
  await pollUntil('the stream is finished', () => peer.streamPackets(STATUS.ok).length === 1);
  // The device is gone, so the daemon may well fail to finish.
  peer.stream(call, STATUS.error, errorPayload(38, 38, 'cannot write to stream: Broken pipe'));
  await once(stream, 'close');
  assert.equal(stream.errored, null);
});

test('bytes that a vanished device did not take are an error', async t => {
  const clock = mockClock(t);
  const { stream, peer, call } = await openFake();
  peer.stopReading();
  stream.write(Buffer.alloc(2_000_000));
  stream.resume();
  peer.stream(call, STATUS.continue);
  const [error] = await clock.during(2_200, once(stream, 'error'));
  assert.equal(error.code, 'stream-failed');
});

test('the daemon’s error reaches the reader, with its number', async () => {
  const { stream, peer, call } = await openFake();
  const failed = once(stream, 'error');
  peer.stream(call, STATUS.error, errorPayload(39, 38, 'stream had I/O failure'));
  const [error] = await failed;
  assert.deepEqual([error.name, error.code, error.number], ['LibvirtError', 'stream-failed', 39]);
  assert.match(error.message, /another client/);
  await pollUntil('its connection is closed', () => peer.ended);
});

test('the daemon’s error reaches the writer in mid-write, and it is that error', async () => {
  const { stream, peer, call } = await openFake();
  peer.stopReading();
  stream.write(Buffer.alloc(1_000_000));
  const failed = once(stream, 'error');
  peer.stream(call, STATUS.error, errorPayload(38, 38, 'cannot write to stream: Broken pipe'));
  const [error] = await failed;
  assert.deepEqual([error.code, error.number], ['stream-failed', 38]);
});

test('an error right behind the opening is not lost', async () => {
  const open: Answer = (peer, call) => {
    peer.reply(call, Buffer.alloc(0));
    peer.stream(call, STATUS.error, errorPayload(38, 38, 'gone again'));
  };
  const fake = new FakeLibvirtd([[296, open]]);
  const connection = await connect('qemu:///system', { dial: fake.dial });
  const stream = await connection.openChannel(demoDomain, undefined);
  const [error] = await once(stream, 'error');
  assert.equal(error.code, 'stream-failed');
  await connection.close();
});

test('a malformed answer to the opening fails the opening, and leaves no stream behind', async () => {
  const fake = new FakeLibvirtd([[296, (peer, call) => peer.reply(call, Buffer.alloc(4))]]);
  const connection = await connect('qemu:///system', { dial: fake.dial });
  await assert.rejects(connection.openChannel(demoDomain, undefined), { code: 'protocol' });
  await connection.close();
});

test('bytes right behind the opening are not lost', async () => {
  const open: Answer = (peer, call) => {
    peer.reply(call, Buffer.alloc(0));
    peer.stream(call, STATUS.continue, Buffer.from('early'));
  };
  const { stream } = await openFake(new FakeLibvirtd([[296, open]]));
  assert.equal((await once(stream, 'data'))[0].toString(), 'early');
  stream.destroy();
});

test('a lost connection is a LibvirtError on the stream, for reader and writer', async () => {
  const { stream, peer } = await openFake();
  const errors: Array<{ code: string }> = [];
  stream.on('error', error => errors.push(error as unknown as { code: string }));
  peer.stopReading();
  const writing = new Promise<unknown>(resolve => stream.write(Buffer.alloc(400_000), resolve));
  peer.hangUp();
  await pollUntil('it closes', () => stream.closed);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['connection-lost'],
  );
  assert.ok(await writing);
});

test('a malformed packet in mid-stream is a protocol error on the stream', async () => {
  const { stream, peer } = await openFake();
  peer.raw(Buffer.alloc(28));
  const [error] = await once(stream, 'error');
  assert.equal(error.code, 'protocol');
});

test('busy: tried again until the device is free', async t => {
  const clock = mockClock(t);
  let tries = 0;
  const busyTwice: Answer = (peer, call) => {
    if (++tries < 3) peer.fail(call, 9, 10, 'operation failed: Active channel stream exists for this domain');
    else peer.reply(call, Buffer.alloc(0));
  };
  const fake = new FakeLibvirtd([[296, busyTwice]]);
  const connection = await connect('qemu:///system', { dial: fake.dial });
  const stream = await clock.during(2_000, connection.openChannel(demoDomain, undefined));
  assert.equal(fake.peers.length, 2, 'all tries on one connection');
  stream.destroy();
  await connection.close();
});

test('busy: waiting can be cancelled', async t => {
  const clock = mockClock(t);
  const busy: Answer = (peer, call) =>
    peer.fail(call, 9, 10, 'operation failed: Active console session exists for this domain');
  const fake = new FakeLibvirtd([[201, busy]]);
  const connection = await connect('qemu:///system', { dial: fake.dial });
  const controller = new AbortController();
  const opening = connection.openConsole(demoDomain, 'serial0', { signal: controller.signal });
  await clock.advance(1_000);
  assert.ok((fake.peers[1]?.calls(201).length ?? 0) >= 2, 'it was tried twice');
  controller.abort();
  await assert.rejects(opening, { name: 'AbortError' });
  await pollUntil('the private connection is closed', () => fake.peer(1).ended);
  await connection.close();
});

for (const [number, message, code] of [
  [9, 'operation failed: something else', 'operation-failed'],
  [1, 'internal error: cannot find character device serial7', 'bad-device'],
  [55, 'Requested operation is not valid: domain is not running', 'operation-invalid'],
  [29, 'operation forbidden: read only access prevents virDomainOpenConsole', 'read-only'],
] as const) {
  test(`opening fails at once with "${code}" on error ${number}`, async () => {
    const fake = new FakeLibvirtd([[201, (peer, call) => peer.fail(call, number, 10, message)]]);
    const connection = await connect('qemu:///system', { dial: fake.dial });
    await assert.rejects(connection.openConsole(demoDomain, 'serial7'), { code, number });
    await pollUntil('the private connection is closed', () => fake.peer(1).ended);
    await connection.close();
  });
}

/** With short times, which only the layer below takes. */
async function openQuick(
  fake: FakeLibvirtd,
): Promise<{ stream: RpcStream; peer: FakePeer; call: FakePacket }> {
  const rpc = await openConnection({
    uri: parseUri('qemu:///system'),
    dial: fake.dial,
    keepalive: { intervalMs: 100, deadMs: 10_000 },
  });
  const stream = await rpc.call(296, Buffer.alloc(0), (_reader, ticket) => new RpcStream(rpc, ticket));
  const call = fake.peer(0).calls(296)[0];
  assert.ok(call);
  return { stream, peer: fake.peer(0), call };
}

test('stalled and resumed are told', async t => {
  const clock = mockClock(t);
  const { stream, peer } = await openQuick(new FakeLibvirtd());
  peer.stopReading();
  stream.write(Buffer.alloc(300_000));
  await clock.during(2_000, once(stream, 'stalled'));
  assert.equal(stream.stalled, true);
  peer.startReading();
  await clock.during(2_000, once(stream, 'resumed'));
  assert.equal(stream.stalled, false);
  stream.destroy();
});

test('a stalled stream closes at once: the daemon could not hear an abort', async t => {
  const clock = mockClock(t);
  const { stream, peer } = await openQuick(new FakeLibvirtd());
  peer.stopReading();
  stream.write(Buffer.alloc(300_000));
  await clock.during(2_000, once(stream, 'stalled'));
  stream.destroy();
  await clock.advance(0);
  assert.equal(stream.closed, true);
});

test('a paused reader shows that it lives, without asking for answers it would not read', async t => {
  const clock = mockClock(t);
  const { stream, peer, call } = await openQuick(new FakeLibvirtd());
  for (let i = 0; i < 20; i++) peer.stream(call, STATUS.continue, Buffer.alloc(64 * 1024));
  const unasked = () =>
    peer.received.filter(
      ({ program, procedure, type }) => program === KEEPALIVE && procedure === 2 && type === TYPE.event,
    ).length;
  await clock.advance(2_000);
  assert.ok(unasked() >= 2, 'pongs come unasked');
  assert.equal(stream.stalled, false);
  stream.destroy();
});
