// The test guest: Debian's kernel and an initramfs with busybox and Python, made from packages alone. Built once
// for a given set of inputs (package versions and this code) and kept in the cache.
//
// The initramfs is left uncompressed: QEMU hands it over by DMA, and emulated unpacking costs more than reading.
// What changes from boot to boot (scripts, receiver, its arguments) is a second archive in front of it, see
// `packBootFiles`: the kernel unpacks one after the other.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { type CpioEntry, mode, packCpio, readTree } from './cpio.ts';
import { type GuestPackage, resolveGuestPackages, unpackGuestPackages } from './guestPackages.ts';
import { cacheRoot, repositoryRoot } from './paths.ts';
import { run } from './processes.ts';

export interface GuestImage {
  kernel: string;
  initramfs: string;
}

const imageRoot = path.join(cacheRoot, 'guest/images');
const supportRoot = import.meta.dirname;

/** Not part of the image, so that changing one costs nothing. */
const scripts = {
  init: 'guestInit.sh',
  'sbin/test-agent': 'guestAgent.sh',
  'sbin/start-receiver': 'guestStartReceiver.sh',
};

/** Kernel modules in the order they must be loaded; serial ports are built into Debian's kernel. */
const modules = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci',
  'drivers/char/virtio_console',
];

/** The same for CD drives, IDE and virtio-scsi. Loaded by the tests that have one: emulated, it takes a second. */
const cdModules = [
  'drivers/scsi/scsi_common',
  'drivers/scsi/scsi_mod',
  'drivers/ata/libata',
  'drivers/ata/ata_piix',
  'drivers/scsi/virtio_scsi',
  'drivers/cdrom/cdrom',
  'drivers/scsi/sr_mod',
  'fs/isofs/isofs',
];

/** Parts of Python's library that no receiver could want. */
const unwanted =
  /(^|\/)(test|tests|idlelib|lib2to3|distutils|ensurepip|tkinter|turtledemo|pydoc_data|unittest|sqlite3|curses|xmlrpc|wsgiref|config-[^/]*)(\/|$)|\.pyc$/;

/** The image for the current inputs, built if the cache doesn't hold it. */
export async function ensureGuestImage(log: (message: string) => void = () => {}): Promise<GuestImage> {
  const packages = await resolveGuestPackages();
  const directory = path.join(imageRoot, imageKey(packages));
  const image = { kernel: path.join(directory, 'vmlinuz'), initramfs: path.join(directory, 'initramfs') };
  if (fs.existsSync(directory)) return image;
  log('building the test guest from Debian packages (once, about 50 MB of packages)');
  await buildImage(packages, directory);
  return image;
}

function imageKey(packages: GuestPackage[]): string {
  const hash = crypto.createHash('sha256');
  for (const { fileName, hash: content } of packages) hash.update(`${fileName} ${content}\n`);
  for (const file of ['guestImage.ts', 'cpio.ts']) {
    hash.update(fs.readFileSync(path.join(supportRoot, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function buildImage(packages: GuestPackage[], directory: string): Promise<void> {
  fs.mkdirSync(imageRoot, { recursive: true });
  const work = fs.mkdtempSync(path.join(imageRoot, 'building-'));
  try {
    const root = path.join(work, 'root');
    await unpackGuestPackages(packages, root);
    await compilePython(root);
    const result = path.join(work, 'result');
    fs.mkdirSync(result);
    fs.copyFileSync(findKernel(root), path.join(result, 'vmlinuz'));
    fs.writeFileSync(path.join(result, 'initramfs'), packCpio(await collectEntries(root)));
    publish(result, directory);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  removeOldImages(directory);
}

/** Two test files may build at once; the second one's rename finds the first one's image, which is as good. */
function publish(result: string, directory: string): void {
  try {
    fs.renameSync(result, directory);
  } catch (error) {
    if (!fs.existsSync(directory)) throw error;
  }
}

/** Keeps the newest three, so that two branches with different guests don't rebuild at each switch. */
function removeOldImages(current: string): void {
  const images = fs
    .readdirSync(imageRoot)
    .filter(name => !name.startsWith('building-'))
    .map(name => ({
      directory: path.join(imageRoot, name),
      time: fs.statSync(path.join(imageRoot, name)).mtimeMs,
    }))
    .sort((a, b) => b.time - a.time);
  for (const { directory } of images.slice(3)) {
    if (directory !== current) fs.rmSync(directory, { recursive: true, force: true });
  }
}

function findKernel(root: string): string {
  const name = fs.readdirSync(path.join(root, 'boot')).find(file => file.startsWith('vmlinuz-'));
  if (!name) throw new Error('the Debian kernel package holds no /boot/vmlinuz-*');
  return path.join(root, 'boot', name);
}

/**
 * Compiles the library with the guest's own interpreter (run through its own loader, so that the host's version
 * doesn't matter): emulated, compiling at each start would cost seconds.
 */
async function compilePython(root: string): Promise<void> {
  const loader = ['lib64', 'usr/lib64']
    .map(dir => path.join(root, dir, 'ld-linux-x86-64.so.2'))
    .find(fs.existsSync);
  const library = pythonLibrary(root);
  if (!loader) throw new Error('the Debian package libc6 holds no ld-linux-x86-64.so.2');
  const libraryPath = libraryDirectories.map(directory => path.join(root, directory)).join(':');
  const python = path.join(root, 'usr/bin', path.basename(library));
  const compile = ['-I', '-m', 'compileall', '-q', '-j', '2', '--invalidation-mode', 'unchecked-hash'];
  const excluded = ['-x', 'test|lib2to3|idlelib'];
  await run(
    fs.realpathSync(loader),
    ['--library-path', libraryPath, python, ...compile, ...excluded, library],
    {
      timeoutMs: 300_000,
      env: { PYTHONHOME: path.join(root, 'usr'), PATH: '/usr/bin:/bin' },
    },
  );
}

const libraryDirectories = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'];

/** `…/usr/lib/python3.N` */
function pythonLibrary(root: string): string {
  const directory = path.join(root, 'usr/lib');
  const name = fs.readdirSync(directory).find(file => /^python3\.\d+$/.test(file));
  if (!name) throw new Error('the Debian packages hold no /usr/lib/python3.*');
  return path.join(directory, name);
}

async function collectEntries(root: string): Promise<CpioEntry[]> {
  const folders = [
    'proc',
    'sys',
    'dev',
    'etc',
    'root',
    'sbin',
    'bin',
    'lib',
    'lib/modules',
    'lib64',
    'usr',
    'usr/bin',
  ];
  const library = pythonLibrary(root);
  const version = path.basename(library);
  return [
    ...folders.map(name => ({ name, mode: mode.directory })),
    // Standard input and output of the first process until devtmpfs is there.
    { name: 'dev/console', mode: mode.character, device: [5, 1] as [number, number] },
    { name: 'etc/passwd', mode: mode.file, data: Buffer.from('root:x:0:0:root:/root:/bin/sh\n') },
    { name: 'etc/group', mode: mode.file, data: Buffer.from('root:x:0:\n') },
    ...(await busyboxEntries(root)),
    ...moduleEntries(root),
    ...sharedLibraries(root),
    {
      name: `usr/bin/${version}`,
      mode: mode.executable,
      data: fs.readFileSync(path.join(root, 'usr/bin', version)),
    },
    { name: 'usr/bin/python3', mode: mode.link, data: Buffer.from(version) },
    { name: 'usr/lib', mode: mode.directory },
    ...readTree(library, `usr/lib/${version}`, relative => isWantedPython(relative)),
  ];
}

function readScript(name: string, file: string): CpioEntry {
  return { name, mode: mode.executable, data: fs.readFileSync(path.join(supportRoot, file)) };
}

/** Sources stay for readable tracebacks; of compiled files only those we made. */
function isWantedPython(relative: string): boolean {
  if (relative.includes('__pycache__/')) return relative.endsWith('.pyc') && !relative.includes('.opt-');
  return !unwanted.test(relative);
}

/** busybox and a link for each of its commands. */
async function busyboxEntries(root: string): Promise<CpioEntry[]> {
  const file = ['bin', 'usr/bin'].map(dir => path.join(root, dir, 'busybox')).find(fs.existsSync);
  if (!file) throw new Error('the Debian package busybox-static holds no busybox');
  const applets = (await run(file, ['--list'])).trim().split('\n');
  return [
    { name: 'bin/busybox', mode: mode.executable, data: fs.readFileSync(file) },
    ...applets
      .filter(applet => applet !== 'busybox')
      .map(applet => ({ name: `bin/${applet}`, mode: mode.link, data: Buffer.from('busybox') })),
  ];
}

function moduleEntries(root: string): CpioEntry[] {
  const base = ['lib/modules', 'usr/lib/modules'].map(dir => path.join(root, dir)).find(fs.existsSync);
  const version = base && fs.readdirSync(base)[0];
  if (!base || !version) throw new Error('the Debian kernel package holds no modules');
  const nameOf = (module: string) => `lib/modules/${path.basename(module)}.ko`;
  const orderOf = (list: string[]) => Buffer.from(list.map(module => `/${nameOf(module)}\n`).join(''));
  return [
    ...[...modules, ...cdModules].map(module => {
      const file = path.join(base, version, 'kernel', `${module}.ko`);
      return { name: nameOf(module), mode: mode.file, data: fs.readFileSync(file) };
    }),
    { name: 'lib/modules/load-order', mode: mode.file, data: orderOf(modules) },
    { name: 'lib/modules/load-order-cd', mode: mode.file, data: orderOf(cdModules) },
  ];
}

/** All libraries of the unpacked packages, in one folder, which is one the loader looks in. */
export function sharedLibraries(root: string): CpioEntry[] {
  const folder = 'lib/x86_64-linux-gnu';
  const entries = new Map<string, CpioEntry>([[folder, { name: folder, mode: mode.directory }]]);
  for (const directory of libraryDirectories) {
    const source = path.join(root, directory);
    if (!fs.existsSync(source)) continue;
    for (const file of fs.readdirSync(source).filter(name => /\.so(\.[\d.]+)?$/.test(name))) {
      // Following links doubles the files that have two names, and spares thinking about where links point.
      const data = fs.readFileSync(path.join(source, file));
      entries.set(file, { name: `${folder}/${file}`, mode: mode.executable, data });
    }
  }
  const loader = { name: 'lib64/ld-linux-x86-64.so.2', mode: mode.link };
  return [...entries.values(), { ...loader, data: Buffer.from(`/${folder}/ld-linux-x86-64.so.2`) }];
}

/** The archive of one boot: the scripts, settings they read, `dist/guest` as /guestwire, and what is extra. */
export function packBootFiles(settings: Record<string, string>, extra: CpioEntry[] = []): Buffer {
  const assignments = Object.entries(settings).map(
    ([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`,
  );
  return packCpio([
    { name: 'sbin', mode: mode.directory },
    ...Object.entries(scripts).map(([name, file]) => readScript(name, file)),
    ...readTree(
      path.join(repositoryRoot, 'dist/guest'),
      'guestwire',
      relative => !relative.includes('__pycache__'),
    ),
    { name: 'guestwire-test', mode: mode.directory },
    { name: 'guestwire-test/boot.env', mode: mode.file, data: Buffer.from(assignments.join('')) },
    ...extra,
  ]);
}
