import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHeader, type PacketHeader, PacketParser } from '../../../src/libvirt/src/packet.ts';
import { KEEPALIVE, packetBytes, REMOTE, STATUS, TYPE, words } from '../../support/fakeLibvirtd.ts';
import { randomBytes, randomChunks, seededRandom } from '../../support/random.ts';

const protocolError = { name: 'LibvirtError', code: 'protocol' };

/** What came out, with the pieces of each stream packet joined again. */
function collect(): { parser: PacketParser; packets: Array<{ header: PacketHeader; payload: Buffer }> } {
  const packets: Array<{ header: PacketHeader; payload: Buffer }> = [];
  const parser = new PacketParser({
    onPacket: (header, payload) => packets.push({ header, payload: Buffer.from(payload) }),
    onStreamBytes: (header, bytes) => {
      const last = packets.at(-1);
      if (last?.header === header) last.payload = Buffer.concat([last.payload, bytes]);
      else packets.push({ header, payload: Buffer.from(bytes) });
    },
  });
  return { parser, packets };
}

test('the header of a call, byte by byte', () => {
  const header = { program: REMOTE, procedure: 201, type: TYPE.call, serial: 5, status: STATUS.ok };
  const expected = [
    '00000030', // length: 28 of header + 20 of payload
    '20008086', // program REMOTE
    '00000001', // version
    '000000c9', // procedure 201, DOMAIN_OPEN_CONSOLE
    '00000000', // type: call
    '00000005', // serial
    '00000000', // status: ok
  ];
  assert.equal(encodeHeader(header, 20).toString('hex'), expected.join(''));
});

const reply = { program: REMOTE, procedure: 59, type: TYPE.reply, serial: 1, status: STATUS.ok };
const streamData = { program: REMOTE, procedure: 201, type: TYPE.stream, serial: 2, status: STATUS.continue };
const ping = { program: KEEPALIVE, procedure: 1, type: TYPE.event, serial: 0, status: STATUS.ok };

test('packets come out the same wherever the chunks end', () => {
  const random = seededRandom(2024);
  const sent = [
    { ...reply, payload: randomBytes(random, 300) },
    { ...ping, payload: Buffer.alloc(0) },
    { ...streamData, payload: randomBytes(random, 5_000) },
    { ...streamData, payload: Buffer.alloc(0) },
    { ...reply, serial: 3, payload: randomBytes(random, 20_000) },
    { ...streamData, status: STATUS.error, payload: randomBytes(random, 60) },
  ];
  const bytes = Buffer.concat(sent.map(packetBytes));
  for (const maxBytes of [1, 2, 3, 28, 29, 700, bytes.length]) {
    const { parser, packets } = collect();
    for (const chunk of randomChunks(bytes, random, maxBytes)) parser.push(chunk);
    assert.deepEqual(
      packets.map(({ header, payload }) => ({ ...header, payload })),
      sent,
      `chunks of at most ${maxBytes} bytes`,
    );
  }
});

test('payload of a stream is passed on before its packet is complete', () => {
  const { parser, packets } = collect();
  parser.push(packetBytes({ ...streamData, payload: Buffer.from('abcdef') }).subarray(0, 31));
  assert.equal(packets[0]?.payload.toString(), 'abc');
});

test('after stop() nothing comes any more, not even from the same chunk', () => {
  let count = 0;
  const parser = new PacketParser({
    onPacket: () => {
      count++;
      parser.stop();
    },
    onStreamBytes: () => assert.fail('not sent'),
  });
  const bytes = packetBytes(ping);
  parser.push(Buffer.concat([bytes, bytes]));
  parser.push(bytes);
  assert.equal(count, 1);
});

const bad: ReadonlyArray<[string, Buffer]> = [
  ['a length of 0', words(0)],
  ['a length below the header’s', words(27)],
  ['a length of 4 GiB, on its four bytes alone', words(0xffffffff)],
  ['a length one over the limit', words(33_554_437)],
  ['an unknown program', words(28, 0x20008087, 1, 1, 1, 1, 0)],
  ['another protocol version', words(28, REMOTE, 2, 1, 1, 1, 0)],
  ['a call, which a server never makes', words(28, REMOTE, 1, 1, 0, 1, 0)],
  ['a reply with file descriptors', words(28, REMOTE, 1, 1, 5, 1, 0)],
  ['a hole of a sparse stream', words(28, REMOTE, 1, 201, 6, 1, 0)],
  ['an unknown type', words(28, REMOTE, 1, 1, 7, 1, 0)],
  ['an unknown status', words(28, REMOTE, 1, 1, 3, 1, 3)],
  ['a reply that continues', words(28, REMOTE, 1, 1, 1, 1, 2)],
  ['an event that failed', words(28, REMOTE, 1, 318, 2, 0, 1)],
  ['a keepalive with payload', words(32, KEEPALIVE, 1, 1, 2, 0, 0, 0)],
  ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
];
for (const [what, bytes] of bad) {
  test(`refused: ${what}`, () => {
    assert.throws(() => collect().parser.push(bytes), protocolError);
  });
}

test('an announced length allocates nothing: memory follows the bytes that came', () => {
  const before = process.memoryUsage();
  const parsers = Array.from({ length: 64 }, () => {
    const { parser } = collect();
    parser.push(Buffer.concat([words(33_554_436, REMOTE, 1, 59, 1, 1, 0), Buffer.alloc(100)]));
    return parser;
  });
  const after = process.memoryUsage();
  assert.equal(parsers.length, 64);
  const grown = after.arrayBuffers - before.arrayBuffers;
  assert.ok(grown < 4_000_000, `64 packets of 32 MiB announced took ${grown} bytes`);
});
