// Bundles what is shipped into dist/: one entry a program. `node esbuild.config.mjs`
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = new URL('.', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

const CHUNKS = 'chunks';

// The package's "type" makes a .js file a module. serialport is CommonJS; its native code is found by
// `__dirname/../prebuilds`, which for a chunk is dist/prebuilds.
const commonJsNames =
  "import{createRequire as $createRequire}from'node:module';const require=$createRequire(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;";

// Debian's Node is 20, which lacks just these two; nobody should need another Node for com-dd.
const withResolvers =
  'Promise.withResolvers ??= () => { let resolve, reject; const promise = new Promise((a, b) => { resolve = a; reject = b; }); return { promise, resolve, reject }; };';
const groupBy =
  'Map.groupBy ??= (items, keyOf) => { const groups = new Map(); let index = 0; for (const item of items) { const key = keyOf(item, index++), group = groups.get(key); if (group) group.push(item); else groups.set(key, [item]); } return groups; };';

/**
 * Both programs in one go: what they share, and what is imported late (libvirt and the protocol, serialport), becomes
 * chunks, so that activating the extension reads but its first file. There is one kind of build: what is tested is
 * what is shipped, and a window that runs from dist/ keeps the chunks it knows when the package is made.
 *
 * @type {import('esbuild').BuildOptions}
 */
const options = {
  absWorkingDir: fileURLToPath(root),
  entryPoints: { extension: 'src/extension.ts', 'com-dd': 'src/cli/comDd.ts' },
  outdir: 'dist',
  chunkNames: `${CHUNKS}/[name]-[hash]`,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  // com-dd's; VS Code 1.101 runs Node 22, and modules since 1.100.
  target: 'node20.15',
  define: { GUESTWIRE_VERSION: JSON.stringify(version) },
  banner: { js: `#!/usr/bin/env node\n${withResolvers}${groupBy}${commonJsNames}` },
  external: ['vscode'],
  legalComments: 'none',
  minify: true,
  sourcemap: 'linked',
  logLevel: 'warning',
  write: false,
};

/** Under its final name a file is always whole: another build, or a run of the program, may go on beside this one. */
async function buildPrograms() {
  const { outputFiles } = await build(options);
  for (const { path, contents } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    const unfinished = `${path}.${process.pid}`;
    writeFileSync(unfinished, contents, { mode: basename(path) === 'com-dd.js' ? 0o755 : 0o644 });
    renameSync(unfinished, path);
  }
  return outputFiles.map(({ path }) => path);
}

/** Chunks are named by their content, so those of former builds would pile up. */
function removeOldChunks(written) {
  const folder = fileURLToPath(new URL(`dist/${CHUNKS}`, root));
  for (const name of readdirSync(folder)) {
    if (!written.includes(join(folder, name))) rmSync(join(folder, name), { force: true });
  }
}

/** Platforms that VS Code doesn't run on. */
const FOREIGN = /android|win32-ia32|armv6|linux-arm\/.*musl/;

/** serialport's native code. */
function copyPrebuilds() {
  const from = fileURLToPath(new URL('node_modules/@serialport/bindings-cpp/prebuilds', root));
  const filter = path => !FOREIGN.test(relative(from, path));
  cpSync(from, new URL('dist/prebuilds', root), { recursive: true, filter });
}

removeOldChunks(await buildPrograms());
copyPrebuilds();
await import('./guest/assemble.mjs');
