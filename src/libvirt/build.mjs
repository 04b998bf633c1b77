// Makes dist/, a package of its own: JavaScript, types, manifest, README and licence. `npm run build -w libvirt`, then
// `npm pack ./src/libvirt/dist`.
//
// Two manifests, since one can't serve both: here `exports` leads to the TypeScript, which Node runs as it is and which
// never is older than the source. Under node_modules Node strips no types, so the package leads to JavaScript.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const dist = join(here, 'dist');

rmSync(dist, { recursive: true, force: true });
const tsc = spawnSync('tsc', ['-p', join(here, 'tsconfig.build.json')], { stdio: 'inherit' });
if (tsc.error) throw tsc.error;
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

const { scripts, ...manifest } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const exports = { '.': { types: './index.d.ts', default: './index.js' } };
writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ ...manifest, exports }, null, 2)}\n`);
cpSync(join(here, 'README.md'), join(dist, 'README.md'));
cpSync(join(here, '../../LICENSE'), join(dist, 'LICENSE'));
