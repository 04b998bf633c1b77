// `node guest/assemble.mjs`: what goes into a guest, complete in dist/guest: both receivers from their parts, their
// installers, the licence. The build and `npm test` do it themselves.
import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { writeWhole } from './assembly.mjs';
import { assembleLinux } from './linux/assemble.mjs';
import { assembleWindows } from './windows/assemble.mjs';

const root = resolve(import.meta.dirname, '..');
const outDir = join(root, 'dist/guest');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

assembleLinux({ root, version, outDir });
assembleWindows({ root, version, outDir, testDir: join(root, 'dist/test') });
const copied = ['disc.txt', 'install.cmd', 'install.ps1', 'install.sh', 'uninstall.cmd', '../LICENSE'];
for (const file of copied)
  writeWhole(join(outDir, basename(file)), readFileSync(join(root, 'guest', file)), 0o644);
