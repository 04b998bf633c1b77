// What is in the VSIX, and what isn't.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { repositoryRoot } from '../../support/paths.ts';
import { run } from '../../support/processes.ts';
import { packageVsix, unpackVsix } from '../../support/vsix.ts';

const MAX_BYTES = 1_000_000;

/** Names behind chunks' are their content's. */
const allowed = [
  /^(package|package\.nls(\.[\w-]+)?)\.json$/,
  /^(readme|changelog)\.md$/,
  /^LICENSE\.txt$/,
  /^media\/l10n\/bundle\.l10n\.[\w-]+\.json$/,
  /^media\/([\w-]+\.(png|svg)|walkthrough\/[\w-]+\.(md|png|svg))$/,
  /^dist\/guest\/(receiver|install)\.(py|ps1|sh|cmd)$/,
  /^dist\/guest\/(disc\.txt|uninstall\.cmd|LICENSE)$/,
  /^dist\/(extension|com-dd|chunks\/[\w-]+)\.js$/,
  /^dist\/prebuilds\/[\w+-]+\/@serialport\+bindings-cpp\.[\w.]*node$/,
];
const required = [
  'package.json',
  'dist/extension.js',
  'dist/com-dd.js',
  'dist/guest/receiver.py',
  'dist/guest/LICENSE',
  'dist/guest/disc.txt',
  'dist/guest/install.cmd',
  'dist/guest/install.ps1',
  'dist/guest/install.sh',
  'dist/guest/uninstall.cmd',
  'dist/prebuilds/linux-x64/@serialport+bindings-cpp.glibc.node',
];

describe('the VSIX', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-vsix-'));

  after(() => fs.rmSync(directory, { recursive: true, force: true }));

  for (const target of ['universal', 'linux-x64']) {
    describe(target, () => {
      let vsix: string;
      let extension: string;
      let files: string[];

      before(async () => {
        vsix = await packageVsix(target, path.join(directory, target));
        extension = await unpackVsix(vsix, path.join(directory, target, 'unpacked'));
        const entries = fs.readdirSync(extension, { recursive: true, withFileTypes: true });
        files = entries
          .filter(entry => entry.isFile())
          .map(entry => path.relative(extension, path.join(entry.parentPath, entry.name)));
      });

      it(`has less than ${MAX_BYTES} bytes`, () => {
        assert.ok(fs.statSync(vsix).size < MAX_BYTES, `${fs.statSync(vsix).size} bytes`);
      });

      it('holds what is needed and nothing else', () => {
        assert.deepEqual(
          files.filter(file => !allowed.some(pattern => pattern.test(file))),
          [],
        );
        assert.deepEqual(
          required.filter(file => !files.includes(file)),
          [],
        );
      });

      it('holds every file the manifest names', () => {
        const manifest = fs.readFileSync(path.join(extension, 'package.json'), 'utf8');
        const named = [...manifest.matchAll(/"(?:\.\/)?((?:media|dist)\/[^"]+\.\w+)"/g)].map(
          ([, name]) => name ?? '',
        );
        assert.ok(named.includes('dist/extension.js'));
        assert.deepEqual(
          named.filter(name => !files.includes(name)),
          [],
        );
      });

      it('reads little to be activated, and libvirt and serialport only when they are needed', () => {
        const lateImport = (text: string, name: string): string =>
          new RegExp(`import\\("\\./((?:chunks/)?${name}-\\w+\\.js)"\\)`).exec(text)?.[1] ??
          assert.fail(name);
        const dist = path.join(extension, 'dist');
        const atStart = readAtOnce(dist, 'extension.js').join('');
        assert.ok(atStart.length < 10_000, `${atStart.length} characters`);
        const read = readAtOnce(dist, lateImport(atStart, 'app')).join('');
        for (const later of ['engine', 'waysToReceiver']) lateImport(read, later);
        // libvirt's program number, and the folder of serialport's native code.
        for (const mark of [/536903814/, /prebuilds/]) {
          assert.doesNotMatch(read, mark);
          assert.ok(
            files.some(file => mark.test(readJs(path.join(extension, file)))),
            `${mark} is nowhere`,
          );
        }
      });

      it('names no place of the machine it was made on', () => {
        for (const file of files) {
          const content = fs.readFileSync(path.join(extension, file));
          assert.ok(!content.includes(repositoryRoot), file);
        }
      });

      it('has a readme without dead links and pictures', () => {
        const readme = fs.readFileSync(path.join(extension, 'readme.md'), 'utf8');
        assert.match(readme, /^# Guestwire/);
        const targets = [...readme.matchAll(/\]\(([^)]*)\)|(?:src|href)="([^"]*)"/g)];
        assert.deepEqual(
          targets
            .map(([, link, attribute]) => link ?? attribute)
            .filter(target => !target?.startsWith('https:')),
          [],
        );
      });

      it('has a com-dd that runs anywhere', async () => {
        const version = await run(process.execPath, [path.join(extension, 'dist/com-dd.js'), '--version'], {
          cwd: os.tmpdir(),
        });
        const { version: expected } = JSON.parse(
          fs.readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8'),
        );
        assert.equal(version.trim(), `com-dd ${expected}`);
      });
    });
  }

  it('for one platform holds native code for no other', async () => {
    const prebuilds = path.join(directory, 'linux-x64/unpacked/extension/dist/prebuilds');
    const found = fs
      .readdirSync(prebuilds, { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.node'));
    assert.deepEqual(found, ['linux-x64/@serialport+bindings-cpp.glibc.node']);
  });

  it('is not made for a platform there is not', async () => {
    const packaging = run(process.execPath, ['.ci/vsix.mjs', '--out', directory, 'beos-x64'], {
      cwd: repositoryRoot,
    });
    await assert.rejects(packaging, /There is no platform "beos-x64"/);
  });
});

/** A program with all that it imports before it runs. */
function readAtOnce(folder: string, name: string, seen = new Set<string>()): string[] {
  if (seen.has(name)) return [];
  seen.add(name);
  const text = readJs(path.join(folder, name));
  const imported = [...text.matchAll(/(?:from|import)"(\.[^"]+)"/g)].map(([, file = '']) =>
    path.join(path.dirname(name), file),
  );
  return [text, ...imported.flatMap(file => readAtOnce(folder, file, seen))];
}

function readJs(file: string): string {
  return file.endsWith('.js') ? fs.readFileSync(file, 'utf8') : '';
}
