// Everything a test run leaves on the machine lives in a run directory: a private libvirtd's state, a guest's
// kernel and initramfs. It names its owner, so that a later run can clear away what a crashed one left.
//
// It stands in /tmp, not in the checkout or a long TMPDIR, for two reasons: the path of a UNIX socket has at most
// 107 bytes, and libvirt itself puts about 75 behind ours; and QEMU's user must be able to reach the files (a
// checkout under /root, mode 0700, is closed to it).
import fs from 'node:fs';
import path from 'node:path';
import { endProcess, identify, isAlive, listProcesses, type ProcessIdentity, run } from './processes.ts';

const parent = '/tmp';
const prefix = 'guestwire-';

/** Makes a directory (mode 0711) owned by this process. */
export function makeRunDirectory(): string {
  const directory = fs.mkdtempSync(path.join(parent, prefix));
  fs.writeFileSync(path.join(directory, 'owner'), JSON.stringify(identify(process.pid)));
  fs.chmodSync(directory, 0o711);
  return directory;
}

/** Records a daemon that must end before the directory may be removed. */
export function recordProcess(directory: string, identity: ProcessIdentity): void {
  fs.appendFileSync(path.join(directory, 'processes'), `${JSON.stringify(identity)}\n`);
}

export function recordDomain(directory: string, uri: string, name: string): void {
  fs.writeFileSync(path.join(directory, 'domain'), JSON.stringify({ uri, name }));
}

/** Ends what the directory records and removes it. Safe to call twice. */
export async function removeRunDirectory(directory: string): Promise<void> {
  const domain = readDomain(directory);
  if (domain) await removeDomain(domain.uri, domain.name);
  for (const daemon of readProcesses(directory)) await endProcess(daemon);
  // A guest runs on when its libvirtd dies; so does a QEMU that libvirtd was just asking what it can do.
  for (const qemu of listQemuProcesses(directory)) await endProcess(qemu);
  fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes what earlier runs of this user left behind whose process no longer lives. */
export async function removeAbandoned(): Promise<void> {
  const abandoned = fs
    .readdirSync(parent)
    .filter(entry => entry.startsWith(prefix))
    .map(entry => path.join(parent, entry))
    .filter(isAbandoned);
  // Guests first, while the libvirtd of the same crashed run can still be asked to remove them.
  const [guests, daemons] = [abandoned.filter(readDomain), abandoned.filter(entry => !readDomain(entry))];
  // What can't be removed now (a system libvirtd that is down) waits for a later run.
  for (const directory of [...guests, ...daemons]) await removeRunDirectory(directory).catch(() => {});
}

/** Those of a process that still lives, or did until just now. */
export function runDirectoriesOf({ pid, startTicks }: ProcessIdentity): string[] {
  const directories = fs.readdirSync(parent).filter(entry => entry.startsWith(prefix));
  return directories
    .map(entry => path.join(parent, entry))
    .filter(directory => {
      const owner = readJson<ProcessIdentity>(path.join(directory, 'owner'));
      return owner?.pid === pid && owner.startTicks === startTicks;
    });
}

function isAbandoned(directory: string): boolean {
  const stat = fs.lstatSync(directory, { throwIfNoEntry: false });
  // Somebody else's directory is not ours to read, let alone to act on: /tmp is open to everyone.
  if (!stat?.isDirectory() || stat.uid !== process.getuid?.()) return false;
  const owner = readJson<ProcessIdentity>(path.join(directory, 'owner'));
  return owner !== undefined && !isAlive(owner);
}

/** Every QEMU whose command line names a file of the directory: its kernel, or its libvirtd's state. */
function listQemuProcesses(directory: string): ProcessIdentity[] {
  return listProcesses(command => /^[^\0]*qemu/.test(command) && command.includes(`${directory}/`));
}

interface DomainRecord {
  uri: string;
  name: string;
}

function readDomain(directory: string): DomainRecord | undefined {
  return readJson<DomainRecord>(path.join(directory, 'domain'));
}

/** Throws only where the definition would outlive the directory: a private libvirtd's goes with its own. */
async function removeDomain(uri: string, name: string): Promise<void> {
  const virsh = (...args: string[]): Promise<string> =>
    run('virsh', ['-q', '-c', uri, ...args], { timeoutMs: 60_000 });
  await virsh('destroy', name).catch(() => {});
  await virsh('undefine', name).catch(() => {});
  if (uri === 'qemu:///system') await virsh('uri');
}

/** Last started first. */
function readProcesses(directory: string): ProcessIdentity[] {
  const file = path.join(directory, 'processes');
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').trim().split('\n').reverse();
  return lines.map(line => JSON.parse(line) as ProcessIdentity);
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
