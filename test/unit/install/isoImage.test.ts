// What the image is made of; that others can read it is tested with real readers, in test/integration/ui.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeDisc } from '../../../src/install/disc/isoImage.ts';

const options = { volume: 'GUESTWIRE', date: new Date('2026-01-02T03:04:05Z') };
const file = (name: string, bytes = 1) => ({ name, content: Buffer.alloc(bytes, name) });

describe('the image of a CD', () => {
  it('has its descriptors where ECMA-119 says', () => {
    const image = makeDisc([file('README.txt')], options);
    assert.equal(image.length % 2048, 0);
    const at = (sector: number, start: number, end: number) =>
      image.subarray(sector * 2048 + start, sector * 2048 + end);
    assert.ok(image.subarray(0, 16 * 2048).every(byte => byte === 0));
    assert.deepEqual(
      [16, 17, 18].map(sector => at(sector, 0, 7).toString('latin1')),
      ['\x01CD001\x01', '\x02CD001\x01', '\xffCD001\x01'],
    );
    assert.equal(at(16, 40, 72).toString(), 'GUESTWIRE'.padEnd(32));
    assert.equal(at(17, 88, 91).toString(), '%/E');
    assert.equal(at(16, 813, 830).toString('latin1'), '2026010203040500\x00');
    // The size, in both byte orders.
    assert.equal(at(16, 80, 84).readUInt32LE(), image.length / 2048);
    assert.equal(at(16, 84, 88).readUInt32BE(), image.length / 2048);
  });

  it('is the same for the same files', () => {
    const make = () => makeDisc([file('b.txt', 3000), file('a.txt', 0)], options);
    assert.ok(make().equals(make()));
  });

  it('lets no record of a directory cross the border of two sectors', () => {
    const files = Array.from({ length: 100 }, (_, index) => file(`file_number_${index}.txt`));
    const image = makeDisc(files, options);
    for (const sector of [16, 17]) {
      const root = image.subarray(sector * 2048 + 156);
      const [start, bytes] = [root.readUInt32LE(2) * 2048, root.readUInt32LE(10)];
      const directory = image.subarray(start, start + bytes);
      let [offset, records] = [0, 0];
      while (offset < bytes) {
        const length = directory[offset] ?? 0;
        if (length === 0) {
          offset = (Math.floor(offset / 2048) + 1) * 2048;
          continue;
        }
        assert.equal(Math.floor(offset / 2048), Math.floor((offset + length - 1) / 2048));
        offset += length;
        records += 1;
      }
      assert.equal(records, 2 + files.length);
    }
  });

  it('refuses names that not every reader would show, and the same name twice', () => {
    for (const name of ['', 'noext', 'a b.txt', 'ä.txt', '../a.txt', `${'a'.repeat(28)}.txt`]) {
      assert.throws(() => makeDisc([file(name)], options), /can't be the name of a file/, name);
    }
    assert.throws(() => makeDisc([file('a.txt'), file('A.TXT')], options), /is there twice/);
    assert.throws(() => makeDisc([], { ...options, volume: 'has blanks' }), /can't be the name of a CD/);
  });
});
