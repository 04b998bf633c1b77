// Our CD image, as an independent reader sees it: both trees of names, and every byte. Linux's isofs reads it in
// installerDisc.test.ts.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeDisc } from '../../../src/install/disc/isoImage.ts';
import { run } from '../../support/processes.ts';
import { randomBytes, seededRandom } from '../../support/random.ts';

const random = seededRandom(1);
const sizes = [0, 1, 2047, 2048, 2049, 100_000];
const files = [
  ...sizes.map(size => ({ name: `Size_${size}.bin`, content: Buffer.from(randomBytes(random, size)) })),
  // More than one sector of each directory.
  ...Array.from({ length: 80 }, (_, index) => ({
    name: `other_${index}.txt`,
    content: Buffer.from(`${index}`),
  })),
];

describe('a CD image, read by isoinfo', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-iso-'));
  const image = path.join(folder, 'cd.iso');
  const isoinfo = (...args: string[]) => run('isoinfo', ['-i', image, ...args], { timeoutMs: 120_000 });

  before(() => {
    fs.writeFileSync(image, makeDisc(files, { volume: 'Guestwire', date: new Date('2026-01-02T03:04:05Z') }));
  });

  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  it('has a name, a date and Joliet', async () => {
    const facts = await isoinfo('-d');
    assert.match(facts, /Volume id: GUESTWIRE\n/);
    assert.match(facts, /Joliet with UCS level 3 found/);
    assert.match(await isoinfo('-l'), / Jan {2}2 2026 /);
  });

  for (const { tree, flags, spell } of [
    { tree: 'ISO 9660', flags: [], spell: (name: string) => name.toUpperCase() },
    { tree: 'Joliet', flags: ['-J'], spell: (name: string) => name },
  ]) {
    it(`has every file by its ${tree} name, in order`, async () => {
      const names = (await isoinfo(...flags, '-f')).trim().split('\n');
      assert.deepEqual(names, files.map(({ name }) => `/${spell(name)};1`).sort());
    });

    it(`has every byte of them, by ${tree}`, async () => {
      for (const { name, content } of files.slice(0, sizes.length)) {
        const out = path.join(folder, 'out');
        const command = ['isoinfo', '-i', '"$1"', ...flags, '-x', '"$2"', '> "$3"'].join(' ');
        await run('sh', ['-c', command, 'sh', image, `/${spell(name)};1`, out]);
        assert.ok(fs.readFileSync(out).equals(content), name);
      }
    });
  }
});
