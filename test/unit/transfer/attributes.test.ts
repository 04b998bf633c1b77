// Times as they go over the line, also those before 1970 and those that no guest knows.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  isBeyondFields,
  isBeyondRecords,
  isSameTime,
  mtimeField,
  mtimeOfRecord,
} from '../../../src/transfer/attributes.ts';
import { localDisk } from '../../../src/transfer/index.ts';
import { notesOf } from '../../../src/transfer/notes.ts';
import { emptyFolder } from './emptyFolder.ts';

const infoOf = (mtimeNs: bigint) =>
  ({ type: 'file', size: 0, mode: undefined, mtimeMs: 0, mtimeNs }) as const;
const fieldOf = (mtimeNs: bigint) => mtimeField(infoOf(mtimeNs));

describe('a time', () => {
  const directory = emptyFolder();

  it('before 1970 is negative in a field', () => {
    assert.equal(fieldOf(1_700_000_000_250_000_000n), '1700000000.250000000');
    assert.equal(fieldOf(0n), '0.000000000');
    assert.equal(fieldOf(-1n), '-0.000000001');
    assert.equal(fieldOf(-1_500_000_000n), '-1.500000000');
  });

  it('of more than twelve digits becomes the nearest that a field can give, with a note', () => {
    assert.equal(fieldOf(2n ** 80n), '999999999999.999999999');
    assert.equal(fieldOf(-(2n ** 80n)), '-999999999999.999999999');
    assert.deepEqual([isBeyondFields(infoOf(2n ** 80n)), isBeyondFields(infoOf(-1n))], [true, false]);
    assert.deepEqual(notesOf(new Map([['notes', 'mode']]), infoOf(2n ** 80n)), { notes: ['mode', 'times'] });
    assert.deepEqual(notesOf(new Map(), infoOf(0n)), {});
  });

  it('before 1970 is a signed number in a record, and never the one that means none', () => {
    assert.equal(mtimeOfRecord(infoOf(-1_500_000_000n)), 2n ** 64n - 1_500_000_000n);
    assert.equal(mtimeOfRecord(infoOf(-1n)), 2n ** 64n - 2n);
    assert.equal(mtimeOfRecord(infoOf(5n)), 5n);
    assert.deepEqual([isBeyondRecords(infoOf(2n ** 63n)), isBeyondRecords(infoOf(-5n))], [true, false]);
  });

  it('is compared in whole microseconds, rounded down', () => {
    assert.equal(isSameTime(infoOf(-1n), '-0.000001'), true);
    assert.equal(isSameTime(infoOf(-1_001n), '-0.000001'), false);
    assert.equal(isSameTime(infoOf(-1_500_000_000n), '-1.5'), true);
    assert.equal(isSameTime(infoOf(0n), 'nonsense'), false);
  });

  it('of a file of the disk is that which it has', async () => {
    const file = path.join(directory, 'old');
    fs.writeFileSync(file, '');
    fs.utimesSync(file, new Date(-1500), new Date(-1500));
    assert.equal(mtimeField(await localDisk.stat(file, { followLinks: true })), '-1.500000000');
  });
});
