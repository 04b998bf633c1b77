import assert from 'node:assert/strict';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import { connect } from 'libvirt';
import {
  readPool,
  readPoolInfo,
  readPoolList,
  readVolume,
  writePool,
  writeVolume,
} from '../../../src/libvirt/src/storageCodec.ts';
import { XdrReader, XdrWriter } from '../../../src/libvirt/src/xdr.ts';
import {
  type Answer,
  demoDomain,
  demoDomainXdr,
  errorPayload,
  FakeLibvirtd,
  STATUS,
  TYPE,
  xdr,
} from '../../support/fakeLibvirtd.ts';
import { mockClock } from '../../support/mockClock.ts';
import { pollUntil } from '../../support/polling.ts';

const pool = { name: 'pool', uuid: '00112233-4455-6677-8899-aabbccddeeff' };
const poolXdr = xdr('pool', Buffer.from('00112233445566778899aabbccddeeff', 'hex'));
const volume = { pool: 'pool', name: 'cd', key: '/v/cd' };
const volumeXdr = xdr('pool', 'cd', '/v/cd');

test('a pool: name and 16 bytes of UUID', () => {
  const bytes = [
    '00000004', // length of the name
    '706f6f6c', // "pool"
    '00112233445566778899aabbccddeeff', // UUID: opaque, no length
  ].join('');
  assert.equal(writePool(new XdrWriter(), pool).finish().toString('hex'), bytes);
  assert.deepEqual(readPool(new XdrReader(Buffer.from(bytes, 'hex'))), pool);
});

test('a volume: three strings', () => {
  const bytes = [
    '00000004706f6f6c', // "pool", of which it is
    '0000000263640000', // "cd", padded
    '000000052f762f6364000000', // "/v/cd", padded
  ].join('');
  assert.equal(writeVolume(new XdrWriter(), volume).finish().toString('hex'), bytes);
  assert.deepEqual(readVolume(new XdrReader(Buffer.from(bytes, 'hex'))), volume);
});

test('information on a pool: the char takes four bytes', () => {
  const bytes = [
    '00000002', // state: unsigned char 2, running
    '0000000200000000', // capacity: 8 GiB
    '0000000100000000', // allocation: 4 GiB
    '00000000ffffffff', // available
  ].join('');
  assert.deepEqual(readPoolInfo(new XdrReader(Buffer.from(bytes, 'hex'))), {
    state: 'running',
    capacityBytes: 8_589_934_592n,
    allocationBytes: 4_294_967_296n,
    availableBytes: 4_294_967_295n,
  });
});

test('a list of pools has its number before and after it; one that can not be is refused', () => {
  const reader = new XdrReader(xdr(2, poolXdr, poolXdr, 2));
  assert.deepEqual(readPoolList(reader), [pool, pool]);
  reader.end();
  for (const bytes of [xdr(4097), xdr(3, poolXdr, 1), xdr(0x7fffffff, poolXdr)]) {
    assert.throws(() => readPoolList(new XdrReader(bytes)), { code: 'protocol' });
  }
});

const ok: Answer = (peer, call) => peer.reply(call, Buffer.alloc(0));

test('each call carries what its procedure takes', async () => {
  const fake = new FakeLibvirtd([
    [83, ok],
    [84, (peer, call) => peer.reply(call, poolXdr)],
    [88, (peer, call) => peer.reply(call, xdr('<pool/>'))],
    [93, (peer, call) => peer.reply(call, volumeXdr)],
    [94, ok],
    [95, (peer, call) => peer.reply(call, volumeXdr)],
    [97, (peer, call) => peer.reply(call, volumeXdr)],
    [100, (peer, call) => peer.reply(call, xdr('/v/cd'))],
    [174, ok],
    [281, (peer, call) => peer.reply(call, xdr(1, poolXdr, 1))],
  ]);
  const connection = await connect('qemu:///system', { dial: fake.dial });
  const { storage } = connection;
  await storage.refreshPool(pool);
  assert.deepEqual(await storage.lookupPool('pool'), pool);
  assert.equal(await storage.poolXml(pool), '<pool/>');
  assert.deepEqual(await storage.createVolume(pool, '<volume/>'), volume);
  await storage.deleteVolume(volume);
  assert.deepEqual(await storage.lookupVolume(pool, 'cd'), volume);
  assert.deepEqual(await storage.lookupVolumeByPath('/v/cd'), volume);
  assert.equal(await storage.volumePath(volume), '/v/cd');
  assert.deepEqual(await storage.listActivePools(), [pool]);
  await connection.updateDevice(demoDomain, '<d/>', { live: true, config: false });
  await connection.updateDevice(demoDomain, '<d/>', { live: true, config: true, force: true });
  const sent = (procedure: number) =>
    fake
      .peer(0)
      .calls(procedure)
      .map(({ payload }) => payload);
  assert.deepEqual(sent(83), [xdr(poolXdr, 0)]);
  assert.deepEqual(sent(84), [xdr('pool')]);
  assert.deepEqual(sent(88), [xdr(poolXdr, 0)]);
  assert.deepEqual(sent(93), [xdr(poolXdr, '<volume/>', 0)]);
  assert.deepEqual(sent(94), [xdr(volumeXdr, 0)]);
  assert.deepEqual(sent(95), [xdr(poolXdr, 'cd')]);
  assert.deepEqual(sent(97), [xdr('/v/cd')]);
  assert.deepEqual(sent(100), [volumeXdr]);
  assert.deepEqual(sent(281), [xdr(1, 2)]); // results wanted; only active ones
  assert.deepEqual(sent(174), [xdr(demoDomainXdr, '<d/>', 1), xdr(demoDomainXdr, '<d/>', 1 | 2 | 4)]);
  await connection.close();
});

test('an upload has a connection of its own, and ends when the daemon says that all is written', async t => {
  const clock = mockClock(t);
  const fake = new FakeLibvirtd([[208, ok]]);
  const connection = await connect('qemu:///system', { dial: fake.dial });
  const stream = await connection.storage.openUpload(volume, 5);
  const peer = fake.peer(1);
  const call = peer.calls(208)[0];
  assert.ok(call);
  assert.deepEqual(call.payload, xdr(volumeXdr, 0, 0, 0, 5, 0)); // offset and length are 8 bytes each
  let ended = false;
  stream.resume().end('bytes');
  const end = finished(stream).then(() => {
    ended = true;
  });
  await pollUntil('a finish is sent', () => peer.streamPackets(STATUS.ok).length === 1);
  assert.equal(
    Buffer.concat(peer.streamPackets(STATUS.continue).map(one => one.payload)).toString(),
    'bytes',
  );
  // Longer than a device is given: a pool may be a slow one.
  await clock.advance(30_000);
  assert.equal(ended, false);
  peer.stream(call, STATUS.ok);
  await end;
  await connection.close();
});

test('what ends an upload is told in words of an upload', async () => {
  const fake = new FakeLibvirtd([[208, ok]]);
  const connection = await connect('qemu:///system', { dial: fake.dial });
  const stream = await connection.storage.openUpload(volume, 5);
  const call = fake.peer(1).calls(208)[0];
  assert.ok(call);
  const failed = finished(stream.resume());
  fake
    .peer(1)
    .send({ ...call, type: TYPE.stream, status: STATUS.error, payload: errorPayload(38, 0, 'disk full') });
  await assert.rejects(failed, {
    code: 'stream-failed',
    message: 'libvirt ended the upload of "cd": disk full.',
  });
  await connection.close();
});
