// Makes the VSIX: `npm run package` for all platforms in one, `npm run package -- linux-x64 win32-x64` for single
// ones, `npm run package -- all` for every one there is; `--out FOLDER` puts them elsewhere than at the top.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** VS Code's names of platforms, and where serialport has its native code for each. */
const NATIVE = {
  'linux-x64': 'linux-x64/*.glibc.node',
  'linux-arm64': 'linux-arm64/*.glibc.node',
  'linux-armhf': 'linux-arm/*.armv7.glibc.node',
  'alpine-x64': 'linux-x64/*.musl.node',
  'alpine-arm64': 'linux-arm64/*.musl.node',
  'darwin-x64': 'darwin-x64+arm64/*',
  'darwin-arm64': 'darwin-x64+arm64/*',
  'win32-x64': 'win32-x64/*',
  'win32-arm64': 'win32-arm64/*',
};
const UNIVERSAL = 'universal';
const PREBUILDS = '!dist/prebuilds/';

const root = resolve(import.meta.dirname, '..');
const { values, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: root } },
});
const folder = resolve(values.out);
process.chdir(root);
const targets = asked.includes('all') ? [UNIVERSAL, ...Object.keys(NATIVE)] : asked;
for (const target of targets.length > 0 ? targets : [UNIVERSAL]) pack(target);

function pack(target) {
  if (target !== UNIVERSAL && !(target in NATIVE)) {
    stop(`There is no platform "${target}"; there are ${[UNIVERSAL, ...Object.keys(NATIVE)].join(', ')}.`);
  }
  const { name, version, repository } = JSON.parse(readFileSync('package.json', 'utf8'));
  const out = join(folder, `${[name, ...(target === UNIVERSAL ? [] : [target]), version].join('-')}.vsix`);
  const options = ['--no-dependencies', '--out', out];
  // With a repository vsce makes the README's links absolute; without one they lead nowhere.
  if (!repository) {
    const readme = ['--readme-path', writeReadme()];
    options.push('--allow-missing-repository', '--no-rewrite-relative-links', ...readme);
  }
  if (target !== UNIVERSAL) options.push('--target', target);
  const vsce = spawnSync('vsce', ['package', ...options, '--ignoreFile', writeAllowList(target)], {
    // With nothing to read from, a question is an error instead of a wait.
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  process.stdout.write(vsce.stdout ?? '');
  if (vsce.status !== 0) stop(`${out} could not be made${vsce.error ? `: ${vsce.error.message}` : ''}.`);
}

/** The README without pictures and links that a page outside the repository couldn't show or follow. */
function writeReadme() {
  const text = readFileSync('README.md', 'utf8')
    .replaceAll(/^ *!\[.*?\]\((?!https:)[^)]*\)\n\n?/gm, '')
    .replaceAll(/\[([^\]]*)\]\((?!https:)[^)]*\)/g, '$1');
  mkdirSync('.cache', { recursive: true });
  const file = '.cache/readme.md';
  writeFileSync(file, text);
  return file;
}

/** .vscodeignore, its native code that of the platform alone. */
function writeAllowList(target) {
  const lines = readFileSync('.vscodeignore', 'utf8').split('\n');
  const own = target === UNIVERSAL ? '**' : NATIVE[target];
  const narrowed = lines.map(line => (line.startsWith(PREBUILDS) ? `${PREBUILDS}${own}` : line));
  mkdirSync('.cache', { recursive: true });
  const file = `.cache/vscodeignore-${target}`;
  writeFileSync(file, narrowed.join('\n'));
  return file;
}

function stop(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
