import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatUuid,
  parseUuid,
  readDomain,
  readDomainInfo,
  readError,
  readLifecycle,
  readStatus,
  writeDomain,
} from '../../../src/libvirt/src/domainCodec.ts';
import { XdrReader, XdrWriter } from '../../../src/libvirt/src/xdr.ts';
import { demoDomain, demoDomainXdr, errorPayload, xdr } from '../../support/fakeLibvirtd.ts';

test('a domain: name, 16 bytes of UUID, id', () => {
  const bytes = [
    '00000004', // length of the name
    '64656d6f', // "demo"
    '00112233445566778899aabbccddeeff', // UUID: opaque, no length
    '00000007', // id
  ].join('');
  assert.equal(writeDomain(new XdrWriter(), demoDomain).finish().toString('hex'), bytes);
  assert.deepEqual(readDomain(new XdrReader(Buffer.from(bytes, 'hex'))), demoDomain);
});

test('a domain that is off has the id −1 on the wire and none here', () => {
  const off = { ...demoDomain, id: undefined };
  const bytes = writeDomain(new XdrWriter(), off).finish();
  assert.equal(bytes.readInt32BE(bytes.length - 4), -1);
  assert.deepEqual(readDomain(new XdrReader(bytes)), off);
});

test('UUIDs in any usual spelling; anything else is refused', () => {
  const bytes = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
  for (const text of [demoDomain.uuid, demoDomain.uuid.toUpperCase(), bytes.toString('hex')]) {
    assert.deepEqual(parseUuid(text), bytes);
  }
  assert.equal(formatUuid(bytes), demoDomain.uuid);
  for (const text of ['', 'demo', `${demoDomain.uuid}0`, demoDomain.uuid.replace('f', 'g')]) {
    assert.throws(() => parseUuid(text), { code: 'invalid-argument' });
  }
});

test('info: char and short take four bytes each', () => {
  const bytes = [
    '00000001', // state: unsigned char 1, running
    '0000000000008000', // maximum memory: 32,768 KiB
    '0000000000004000', // memory: 16,384 KiB
    '00000002', // virtual CPUs: unsigned short 2
    '0000000100000000', // CPU time: 4,294,967,296 ns
  ].join('');
  assert.deepEqual(readDomainInfo(new XdrReader(Buffer.from(bytes, 'hex'))), {
    state: 'running',
    maxMemoryKiB: 32_768n,
    memoryKiB: 16_384n,
    cpuCount: 2,
    cpuTimeNs: 4_294_967_296n,
  });
});

test('a lifecycle event: callback, domain, event, detail', () => {
  const event = readLifecycle(new XdrReader(xdr(0, demoDomainXdr, 5, 1)));
  assert.deepEqual(event, { domain: demoDomain, event: 'stopped', detail: 1, stopReason: 'destroyed' });
  assert.equal(readLifecycle(new XdrReader(xdr(0, demoDomainXdr, 5, 99)))?.stopReason, 'unknown');
  const started = readLifecycle(new XdrReader(xdr(0, demoDomainXdr, 2, 1)));
  assert.deepEqual(started, { domain: demoDomain, event: 'started', detail: 1 });
});

const statuses: ReadonlyArray<[number, number, string, string]> = [
  [1, 1, 'running', 'booted'],
  [3, 3, 'paused', 'save'],
  [3, 5, 'paused', 'ioerror'],
  [5, 1, 'shutoff', 'shutdown'],
  [5, 2, 'shutoff', 'destroyed'],
  [5, 5, 'shutoff', 'saved'],
  [6, 1, 'crashed', 'panicked'],
  [5, 99, 'shutoff', 'unknown'], // newer than this client
  [99, 1, 'nostate', 'unknown'],
];
for (const [state, reason, name, why] of statuses) {
  test(`state ${state} for reason ${reason} is "${name}" by "${why}"`, () => {
    const reader = new XdrReader(xdr(state, reason));
    assert.deepEqual(readStatus(reader), { state: name, reason: why });
    reader.end();
  });
}

test('a lifecycle event newer than this client is left out, not an error', () => {
  assert.equal(readLifecycle(new XdrReader(xdr(0, demoDomainXdr, 99, 1))), undefined);
});

const codes: ReadonlyArray<[number, number, string]> = [
  [1, 10, 'internal'],
  [1, 47, 'auth-failed'], // VIR_FROM_AUTH
  [9, 10, 'operation-failed'],
  [29, 7, 'read-only'],
  [38, 10, 'system'],
  [42, 10, 'no-domain'],
  [45, 7, 'denied'],
  [55, 10, 'operation-invalid'],
  [80, 10, 'no-metadata'],
  [94, 7, 'denied'],
  [4711, 0, 'operation-failed'], // newer than this client
];
for (const [number, domain, code] of codes) {
  test(`libvirt's error ${number} of domain ${domain} is "${code}"`, () => {
    const reader = new XdrReader(errorPayload(number, domain, 'so it is'));
    const error = readError(reader);
    reader.end();
    assert.deepEqual(
      {
        name: error.name,
        code: error.code,
        number: error.number,
        domain: error.domain,
        message: error.message,
      },
      { name: 'LibvirtError', code, number, domain, message: 'so it is' },
    );
  });
}

test('an error with everything optional present is read to its end', () => {
  const network = xdr('default', Buffer.alloc(16, 3));
  const bytes = xdr(42, 10, 1, 'gone', 2, 1, demoDomainXdr, 1, 'a', 1, 'b', 1, 'c', 1, 2, 1, network);
  const reader = new XdrReader(bytes);
  assert.equal(readError(reader).message, 'gone');
  reader.end();
});

test('an error without a message still says something', () => {
  assert.match(readError(new XdrReader(xdr(1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0))).message, /no reason/);
});
