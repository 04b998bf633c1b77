// The search for a basis's blocks: whatever it says, following it must give the source, and cheaply where it can.
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { BlockPool } from '../../../../src/transfer/blockPool.ts';
import { blockSizeFor } from '../../../../src/transfer/delta/blockSize.ts';
import { DeltaSearch } from '../../../../src/transfer/delta/deltaSearch.ts';
import { RollingAdler } from '../../../../src/transfer/delta/rollingAdler.ts';
import { SignatureTable } from '../../../../src/transfer/delta/signatureTable.ts';
import { WeakFilter } from '../../../../src/transfer/delta/weakFilter.ts';
import { SourceReader } from '../../../../src/transfer/sourceReader.ts';
import { seededRandom } from '../../../support/random.ts';
import { adler32, signatureOf } from '../../protocol/signatureOf.ts';

const LITERAL_BYTES = 5_000;

function tableOf(basis: Buffer, block: number): SignatureTable {
  const table = new SignatureTable(basis.length, block);
  const signature = signatureOf(basis, block);
  for (let at = 0; at < signature.length; at += 1_200) table.add(at, signature.subarray(at, at + 1_200));
  assert.ok(table.isComplete);
  table.index();
  return table;
}

async function search(source: Buffer, basis: Buffer, table: SignatureTable) {
  let at = 0;
  const read = async (buffer: Buffer) => {
    const copied = source.copy(buffer, 0, at);
    at += copied;
    return copied;
  };
  const file = {
    read,
    get bytesLeft() {
      return source.length - at;
    },
    finish: async () => undefined,
    close: async () => undefined,
  };
  const reader = new SourceReader(file, new BlockPool(LITERAL_BYTES));
  const pieces: Buffer[] = [];
  let literalBytes = 0;
  for await (const step of new DeltaSearch(reader, table, LITERAL_BYTES).steps()) {
    if (step.kind === 'literal') {
      assert.ok(step.bytes.length <= LITERAL_BYTES);
      literalBytes += step.bytes.length;
      pieces.push(step.bytes);
    } else {
      assert.ok(step.from + step.length <= basis.length);
      pieces.push(basis.subarray(step.from, step.from + step.length));
    }
  }
  assert.ok(Buffer.concat(pieces).equals(source), 'the steps do not give the source');
  assert.equal(reader.sha256(), hash('sha256', source));
  return literalBytes;
}

describe('delta', () => {
  it('stops rolling where a block may be, and only there', () => {
    const bytes = randomBytes(50_000);
    const filter = new WeakFilter(1_000);
    filter.add(adler32(bytes.subarray(40_000, 41_000)));
    const rolling = new RollingAdler(1_000);
    rolling.start(bytes, 0, 1_000);
    let at = 0;
    for (let stops = 0; at < 40_000 && stops < 1_000; stops += 1)
      at = rolling.rollOn(bytes, at, 49_000, filter);
    assert.equal(at, 40_000);
    assert.equal(rolling.value, adler32(bytes.subarray(40_000, 41_000)));
  });

  it('rolls the weak checksum as if each window were summed anew', () => {
    const bytes = Buffer.concat([Buffer.alloc(9_000, 0xff), randomBytes(20_000)]);
    for (const window of [1, 512, 6_000]) {
      const rolling = new RollingAdler(window);
      rolling.start(bytes, 0, window);
      for (let at = 0; at + window < bytes.length; at += 1) {
        if (at % 997 === 0) assert.equal(rolling.value, adler32(bytes.subarray(at, at + window)));
        rolling.rollOn(bytes, at, at + 1, new WeakFilter(1));
      }
    }
  });

  it('chooses blocks of about the square root, and never too many', () => {
    assert.equal(blockSizeFor(1), 1_024);
    assert.equal(blockSizeFor(64 << 20), 8_192);
    for (const bytes of [2 ** 30, 2 ** 36 + 1, 2 ** 40]) {
      const block = blockSizeFor(bytes);
      assert.ok(Math.ceil(bytes / block) <= 262_144 && block <= 4_194_304, `${block}`);
    }
  });

  it('sends nothing of an unchanged file, whatever its length', async () => {
    for (const length of [1, 1_024, 10_240, 99_999]) {
      const basis = randomBytes(length);
      assert.equal(await search(basis, basis, tableOf(basis, 1_024)), 0, `${length}`);
    }
  });

  it('finds the rest behind an insertion at the front, a deletion and a change', async () => {
    const basis = randomBytes(200_000);
    const table = tableOf(basis, 1_024);
    assert.ok((await search(Buffer.concat([randomBytes(77), basis]), basis, table)) < 77 + 1_024);
    const cut = Buffer.concat([basis.subarray(0, 50_000), basis.subarray(50_333)]);
    assert.ok((await search(cut, basis, table)) < 2 * 1_024);
    const changed = Buffer.from(basis);
    changed.writeUInt8(changed.readUInt8(100_000) ^ 1, 100_000);
    assert.ok((await search(changed, basis, table)) <= 1_024);
  });

  it('finds blocks in any order and again and again', async () => {
    const basis = randomBytes(50 * 512);
    const random = seededRandom(7);
    const picked = Array.from({ length: 300 }, () => Math.floor(random() * 50) * 512);
    const source = Buffer.concat(picked.map(from => basis.subarray(from, from + 512)));
    assert.equal(await search(source, basis, tableOf(basis, 512)), 0);
  });

  it('gives back the source for random edits of data that repeats itself', async () => {
    const random = seededRandom(11);
    for (let run = 0; run < 40; run += 1) {
      const letter = () => Buffer.alloc(1 + Math.floor(random() * 3_000), Math.floor(random() * 3));
      const parts = Array.from({ length: 12 }, letter);
      const basis = Buffer.concat(parts);
      const edited = parts.flatMap(part => (random() < 0.3 ? [letter()] : random() < 0.2 ? [] : [part]));
      await search(Buffer.concat(edited), basis, tableOf(basis, 512 + Math.floor(random() * 600)));
    }
  });

  it('takes a signature that is short, long or out of place for none', () => {
    const basis = randomBytes(10_000);
    const signature = signatureOf(basis, 1_024);
    const feed = (...parts: Array<[number, Buffer]>) => {
      const table = new SignatureTable(basis.length, 1_024);
      for (const [offset, bytes] of parts) table.add(offset, bytes);
      return table.isComplete;
    };
    assert.ok(feed([0, signature]));
    assert.ok(!feed([0, signature.subarray(12)]));
    assert.ok(!feed([0, signature], [120, signature.subarray(0, 12)]));
    assert.ok(!feed([0, signature.subarray(0, 60)], [72, signature.subarray(72)]));
    assert.ok(!feed([0, signature.subarray(0, 13)]));
  });

  it('does not hash for ever for a guest whose weak checksums all match', async () => {
    const source = Buffer.alloc(4_000_000, 7);
    const signature = signatureOf(source, 1_024);
    for (let at = 4; at < signature.length; at += 12) signature.writeUInt32BE(at, at);
    const table = new SignatureTable(source.length, 1_024);
    table.add(0, signature);
    table.index();
    let lookUps = 0;
    const { find } = table;
    table.find = (...args) => {
      lookUps += 1;
      return find.apply(table, args);
    };
    assert.equal(await search(source, source, table), source.length);
    assert.ok(lookUps < 60_000, `${lookUps} blocks hashed in vain`);
  });
});
