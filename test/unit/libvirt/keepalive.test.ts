import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keepalive } from '../../../src/libvirt/src/keepalive.ts';

const times = { intervalMs: 2_000, deadMs: 9_000 };

test('pings once an interval after the last answer, and not again before that one is answered', () => {
  const keepalive = new Keepalive(times, 0);
  assert.equal(keepalive.tick(1_999), 'quiet');
  assert.equal(keepalive.tick(2_000), 'ping');
  assert.equal(keepalive.tick(3_999), 'quiet');
  keepalive.onPong(4_000);
  assert.equal(keepalive.tick(5_999), 'quiet');
  assert.equal(keepalive.tick(6_000), 'ping');
});

test('an answer that takes longer than an interval is late, then the peer is dead', () => {
  const keepalive = new Keepalive(times, 0);
  keepalive.tick(2_000);
  assert.equal(keepalive.tick(4_000), 'late');
  assert.equal(keepalive.tick(10_999), 'late');
  assert.equal(keepalive.tick(11_000), 'dead');
});

test('a peer that still sends is late but not dead', () => {
  const keepalive = new Keepalive(times, 0);
  keepalive.tick(2_000);
  keepalive.onPacket(10_000);
  assert.equal(keepalive.tick(18_999), 'late');
  assert.equal(keepalive.tick(19_000), 'dead');
});

test('a host that slept pings before it judges', () => {
  const keepalive = new Keepalive(times, 0);
  assert.equal(keepalive.tick(3_600_000), 'ping');
  assert.equal(keepalive.tick(3_600_500), 'quiet');
});

test('excused: nothing before counts', () => {
  const keepalive = new Keepalive(times, 0);
  keepalive.tick(2_000);
  keepalive.excuse(12_000);
  assert.equal(keepalive.tick(13_999), 'quiet');
  assert.equal(keepalive.tick(14_000), 'ping');
});
