import assert from 'node:assert/strict';
import { test } from 'node:test';
import { XdrReader, XdrWriter } from '../../../src/libvirt/src/xdr.ts';

const protocolError = { name: 'LibvirtError', code: 'protocol' };
const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');

test('integers are big-endian, negative ones in two’s complement', () => {
  const bytes = new XdrWriter().i32(-2).u32(0xfffffffe).u64(0x0102030405060708n).finish();
  assert.deepEqual(bytes, hex('fffffffe fffffffe 0102030405060708'));
  const reader = new XdrReader(bytes);
  assert.equal(reader.i32(), -2);
  assert.equal(reader.u32(), 0xfffffffe);
  assert.equal(reader.u64(), 0x0102030405060708n);
  reader.end();
});

const strings: ReadonlyArray<[string, string]> = [
  ['', '00000000'],
  ['a', '00000001 61000000'], //           three bytes of padding
  ['abcd', '00000004 61626364'], //        none
  ['zoë', '00000004 7a6fc3ab'], //         the length counts bytes, not characters
  ['hello', '00000005 68656c6c 6f000000'],
];
for (const [text, bytes] of strings) {
  test(`the string "${text}"`, () => {
    assert.deepEqual(new XdrWriter().string(text).finish(), hex(bytes));
    const reader = new XdrReader(hex(bytes));
    assert.equal(reader.string(), text);
    reader.end();
  });
}

test('an optional string is a flag and the string', () => {
  assert.deepEqual(new XdrWriter().optionalString(undefined).finish(), hex('00000000'));
  assert.deepEqual(new XdrWriter().optionalString('ab').finish(), hex('00000001 00000002 61620000'));
  assert.equal(new XdrReader(hex('00000000')).optionalString(), undefined);
  assert.equal(new XdrReader(hex('00000001 00000002 61620000')).optionalString(), 'ab');
  assert.throws(() => new XdrReader(hex('00000002 00000002 61620000')).optionalString(), protocolError);
});

test('a text with NUL is refused, for the daemon would act on its beginning', () => {
  assert.throws(() => new XdrWriter().string('prod\0-test'), { code: 'invalid-argument' });
});

test('a text over 4 MiB is refused, one of 4 MiB is not', () => {
  assert.equal(new XdrWriter().string('x'.repeat(4_194_304)).finish().length, 4 + 4_194_304);
  assert.throws(() => new XdrWriter().string('x'.repeat(4_194_305)), { code: 'invalid-argument' });
});

const tooShort: ReadonlyArray<[string, string, (reader: XdrReader) => unknown]> = [
  ['an integer', '000000', reader => reader.u32()],
  ['a 64-bit integer', '00000000', reader => reader.u64()],
  ['opaque data', '0102', reader => reader.fixed(4)],
  ['the padding of opaque data', '010203', reader => reader.fixed(3)],
  ['a string', '00000005 61', reader => reader.string()],
  ['a string of 4 GiB', 'ffffffff 61616161', reader => reader.string()],
  ['a string over its limit', '00000009 616161616161616161000000', reader => reader.string(8)],
  ['a list', '00000003 00000001 00000002', reader => reader.array(10, 4, item => item.u32())],
  ['a list of 4 G items', 'ffffffff', reader => reader.array(0xffffffff, 4, item => item.u32())],
  ['a list over its limit', '00000002 00000001 00000002', reader => reader.array(1, 4, item => item.u32())],
];
for (const [what, bytes, read] of tooShort) {
  test(`refused: ${what} that does not fit`, () => {
    assert.throws(() => read(new XdrReader(hex(bytes))), protocolError);
  });
}

test('refused: bytes left over', () => {
  assert.throws(() => new XdrReader(hex('00')).end(), protocolError);
});
