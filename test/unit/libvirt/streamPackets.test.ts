import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packStream } from '../../../src/libvirt/src/streamPackets.ts';
import { randomBytes, randomChunks, seededRandom } from '../../support/random.ts';

const ticket = { procedure: 296, serial: 9 };
const payloadMax = 262_120;

/** The payload length of each packet, and all payloads joined. */
function unpack(parts: readonly Buffer[]): { lengths: number[]; payload: Buffer } {
  const bytes = Buffer.concat(parts);
  const lengths: number[] = [];
  const payloads: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const length = bytes.readUInt32BE(offset);
    // program REMOTE, version 1, procedure 296, type stream, serial 9, status continue
    assert.equal(
      bytes.toString('hex', offset + 4, offset + 28),
      '2000808600000001000001280000000300000009 00000002'.replace(' ', ''),
    );
    lengths.push(length - 28);
    payloads.push(bytes.subarray(offset + 28, offset + length));
    offset += length;
  }
  return { lengths, payload: Buffer.concat(payloads) };
}

test('nothing gives no packet: an empty one would mean the end', () => {
  assert.deepEqual(packStream(ticket, []), []);
  assert.deepEqual(packStream(ticket, [Buffer.alloc(0), Buffer.alloc(0)]), []);
});

test('small writes share a packet and one buffer', () => {
  const parts = packStream(ticket, [Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')]);
  assert.equal(parts.length, 1);
  assert.deepEqual(unpack(parts), { lengths: [3], payload: Buffer.from('abc') });
});

test('a large write is not copied', () => {
  const large = Buffer.alloc(100_000, 7);
  const parts = packStream(ticket, [Buffer.from('x'), large, Buffer.from('y')]);
  assert.equal(parts[1]?.buffer, large.buffer);
  assert.deepEqual(unpack(parts).lengths, [100_002]);
});

for (const [bytes, lengths] of [
  [payloadMax - 1, [payloadMax - 1]],
  [payloadMax, [payloadMax]],
  [payloadMax + 1, [payloadMax, 1]],
  [2 * payloadMax, [payloadMax, payloadMax]],
] as const) {
  test(`${bytes} bytes make ${lengths.length} packets`, () => {
    assert.deepEqual(unpack(packStream(ticket, [Buffer.alloc(bytes)])).lengths, lengths);
  });
}

test('any mix of sizes arrives in order, in packets as full as can be', () => {
  const random = seededRandom(77);
  const whole = randomBytes(random, 900_000);
  const small = randomChunks(whole.subarray(0, 4_000), random, 3);
  const large = randomChunks(whole.subarray(4_000), random, 120_000);
  const { lengths, payload } = unpack(packStream(ticket, [...small, ...large]));
  assert.ok(payload.equals(whole));
  assert.deepEqual(lengths, [payloadMax, payloadMax, payloadMax, 900_000 - 3 * payloadMax]);
});
