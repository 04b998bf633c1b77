// A real guest for tests: Debian's kernel under QEMU, started by a real libvirtd, with the receiver running.
//
//   const libvirtd = await ensureLibvirtd();                 // from ./libvirtd.ts
//   const guest = await bootGuest({ uri: libvirtd.uri });    // some 5 s; receiver serves serial1, hvc0, channel
//   await guest.run('cat /proc/uptime');                     // { status, stdout, stderr }, a busybox root shell
//   await guest.sha256('/tmp/file');
//   await guest.killReceiver('SIGKILL'); await guest.startReceiver();
//   await guest.forceOff(); await guest.start();             // the same domain again, its files gone
//   await guest.destroy(); await libvirtd.stop();            // in `after`, always
//
// In the guest: /tmp is a tmpfs of 90 % of its memory, /small has room for 2 MB, /ro can't be written,
// /guestwire is this checkout's guest/ folder as it is at boot. serial0 is the kernel's console with a root
// shell; serial1 (/dev/ttyS1), console1 (/dev/hvc0) and channel0 (org.guestwire.0) belong to the receiver,
// whose output is in /run/receiver.log. `run` uses none of them.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describeDomain } from './domainXml.ts';
import { ensureGuestImage, packBootFiles } from './guestImage.ts';
import { type CommandOptions, type CommandResult, GuestShell } from './guestShell.ts';
import { qemuUser } from './libvirtd.ts';
import { monoReceiverCommand, monoReceiverEntries } from './monoReceiver.ts';
import { run } from './processes.ts';
import { makeRunDirectory, recordDomain, removeAbandoned, removeRunDirectory } from './runDirectory.ts';

export type ReceiverKind = 'python' | 'mono';

/** For the reader of a result. */
export const receiverNames: Record<ReceiverKind, string> = {
  python: 'receiver.py',
  mono: 'receiver.ps1 (Mono)',
};

export interface GuestOptions {
  /** Connection to boot it under, from `ensureLibvirtd`. */
  uri: string;
  /** Part of the domain's name, for the reader of a log. */
  name?: string;
  /** The whole name instead, where people look at it. Only under a libvirtd of one's own: it has to be free there. */
  domainName?: string;
  /** Default 384, enough for the system and about 200 MB in /tmp. */
  memoryMb?: number;
  processors?: number;
  /** Default true. */
  startReceiver?: boolean;
  /** Devices the receiver serves. Default serial1, console1 and channel0. */
  receiverPorts?: string[];
  /** `mono`: the engine of receiver.ps1; receiver.py is there too. Default `python`. */
  receiver?: ReceiverKind;
  /** Further arguments of the receiver, such as `--root`. */
  receiverArguments?: string[];
  /** Devices beside those every test guest has, as XML. */
  furtherDevices?: string;
  /** Names of virtio ports beside the domain's own; `portSocket` is the host's end. */
  furtherPorts?: string[];
  /** Keeps what the guest sends on serial1, for `serial1Recording`. */
  recordSerial1?: boolean;
  /** Archives (cpio) of files the image lacks. */
  furtherFiles?: string[];
}

export const guestPorts = {
  serial1: '/dev/ttyS1',
  console1: '/dev/hvc0',
  channel0: '/dev/virtio-ports/org.guestwire.0',
} as const;

const receiverCommands: Record<ReceiverKind, string> = {
  python: 'python3 /guestwire/receiver.py',
  mono: monoReceiverCommand,
};

/** Name of the tests' socket; see portSocket. */
const testPort = 'test';
/** Beside the sockets, where QEMU may write. */
const serial1Log = 'serial1.log';

/** How long a boot may take, and its receiver's start. Some 5 s alone, many times that beside other work. */
const bootTimeoutMs = 240_000;
const receiverTimeoutMs = 180_000;

/** Boots a guest and, unless told otherwise, returns when the receiver serves its ports. */
export async function bootGuest(options: GuestOptions): Promise<Guest> {
  await removeAbandoned();
  const image = await ensureGuestImage(message => process.stderr.write(`${message}\n`));
  const directory = makeRunDirectory();
  const name = options.domainName ?? uniqueName(options.name);
  try {
    await prepareFiles(directory, image, name, options);
    const guest = new Guest(options.uri, name, directory);
    recordDomain(directory, options.uri, name);
    await defineDomain(directory, options, guest);
    await guest.start();
    return guest;
  } catch (error) {
    await removeRunDirectory(directory);
    throw error;
  }
}

function uniqueName(part: string | undefined): string {
  return `guestwire-test-${part ? `${part}-` : ''}${crypto.randomBytes(3).toString('hex')}`;
}

async function prepareFiles(
  directory: string,
  image: { kernel: string; initramfs: string },
  name: string,
  options: GuestOptions,
): Promise<void> {
  const kernel = path.join(directory, 'vmlinuz');
  fs.copyFileSync(image.kernel, kernel);
  const settings = {
    HOSTNAME: name,
    START_RECEIVER: options.startReceiver === false ? '' : 'yes',
    RECEIVER_PORTS: (options.receiverPorts ?? Object.values(guestPorts)).join(' '),
    RECEIVER_COMMAND: receiverCommands[options.receiver ?? 'python'],
    RECEIVER_ARGUMENTS: (options.receiverArguments ?? []).map(quoteForShell).join(' '),
  };
  const initramfs = path.join(directory, 'initramfs');
  const extra = options.receiver === 'mono' ? await monoReceiverEntries() : [];
  fs.writeFileSync(initramfs, packBootFiles(settings, extra));
  for (const archive of [image.initramfs, ...(options.furtherFiles ?? [])])
    fs.appendFileSync(initramfs, fs.readFileSync(archive));
  // Whatever the umask is, QEMU's user must be able to read them.
  for (const file of [kernel, initramfs]) fs.chmodSync(file, 0o644);
  // QEMU makes its socket here, as the user it runs as.
  const sockets = path.join(directory, 's');
  fs.mkdirSync(sockets, { mode: 0o700 });
  const { uid, gid } = qemuUser();
  if (uid !== undefined && gid !== undefined) fs.chownSync(sockets, uid, gid);
}

async function defineDomain(directory: string, options: GuestOptions, guest: Guest): Promise<void> {
  const xml = path.join(directory, 'domain.xml');
  const description = {
    name: guest.name,
    testSocket: guest.portSocket(testPort),
    furtherPorts: (options.furtherPorts ?? []).map(name => ({ name, socket: guest.portSocket(name) })),
    serial1Log: options.recordSerial1 ? guest.portSocket(serial1Log) : undefined,
    furtherDevices: options.furtherDevices ?? '',
    memoryMb: options.memoryMb ?? 384,
    processors: options.processors ?? 1,
    kernel: path.join(directory, 'vmlinuz'),
    initramfs: path.join(directory, 'initramfs'),
  };
  fs.writeFileSync(xml, describeDomain(description));
  await virsh(options.uri, 'define', xml);
}

export class Guest {
  readonly uri: string;
  /** Name of the domain. */
  readonly name: string;
  readonly #directory: string;
  readonly #shell: GuestShell;

  constructor(uri: string, name: string, directory: string) {
    this.uri = uri;
    this.name = name;
    this.#directory = directory;
    this.#shell = new GuestShell(this.portSocket(testPort));
  }

  /** The host's end of a port from `furtherPorts`: a UNIX socket. */
  portSocket(name: string): string {
    return path.join(this.#directory, 's', name);
  }

  /** What the guest has sent on serial1 so far, whoever read it; with `recordSerial1`. */
  serial1Recording(): string {
    return fs.readFileSync(this.portSocket(serial1Log), 'latin1');
  }

  /** Starts the domain when it is off, and waits for what `bootGuest` waits for. */
  async start(): Promise<void> {
    await virsh(this.uri, 'start', this.name);
    await this.#shell.open(bootTimeoutMs);
    const settings = await this.run('. /guestwire-test/boot.env; echo "$START_RECEIVER"');
    if (settings.stdout.trim() !== '') await this.#awaitReceiver();
  }

  /** Runs a command line as root in the guest's busybox shell. A status other than 0 is no error here. */
  run(command: string, options?: CommandOptions): Promise<CommandResult> {
    return this.#shell.run(command, options);
  }

  /** Like `run`, but a status other than 0 throws what the command said. */
  async mustRun(command: string, options?: CommandOptions): Promise<string> {
    const { status, stdout, stderr } = await this.run(command, options);
    if (status !== 0)
      throw new Error(`in the guest: ${command}: status ${status}: ${stderr.trim() || stdout.trim()}`);
    return stdout;
  }

  /** Loads what a CD drive needs; afterwards a medium is at /dev/sr0. */
  async loadCdDrivers(): Promise<void> {
    const load = 'while read -r module; do insmod "$module"; done < /lib/modules/load-order-cd';
    await this.mustRun(`${load}; until [ -e /dev/sr0 ]; do usleep 50000; done`, { timeoutMs: 120_000 });
  }

  /** SHA-256 of a file in the guest, hexadecimal. */
  async sha256(file: string): Promise<string> {
    // Python's (OpenSSL's) is about four times faster than busybox's when emulated.
    const script =
      'import hashlib,sys;print(hashlib.file_digest(open(sys.argv[1],"rb"),"sha256").hexdigest())';
    const printed = await this.mustRun(`python3 -c '${script}' ${quoteForShell(file)}`, {
      timeoutMs: 120_000,
    });
    return printed.trim();
  }

  /** Starts the receiver as at boot and waits until it has its ports open. */
  async startReceiver(): Promise<void> {
    await this.mustRun('/sbin/start-receiver', { timeoutMs: receiverTimeoutMs });
  }

  /** Which one `startReceiver` starts from now on, in a guest booted with `mono`. */
  async chooseReceiver(kind: ReceiverKind): Promise<void> {
    const line = `RECEIVER_COMMAND=${quoteForShell(receiverCommands[kind])}`;
    await this.mustRun(`echo ${quoteForShell(line)} >> /guestwire-test/boot.env`);
  }

  /** Ends the receiver and waits until it is gone. */
  async killReceiver(signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT' = 'SIGTERM'): Promise<void> {
    const kill = `pid=$(cat /run/receiver.pid) && kill -${signal.slice(3)} $pid`;
    await this.mustRun(`${kill} && while [ -d /proc/$pid ]; do usleep 10000; done`, { timeoutMs: 60_000 });
  }

  /** Stops the receiver where it is, or lets it go on. */
  async signalReceiver(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    await this.mustRun(`kill -${signal.slice(3)} $(cat /run/receiver.pid)`);
  }

  /**
   * Stops the receiver for half a second again and again, so that a copy over a serial port can be looked at however
   * fast the machine is; on a slow one it still answers in time. The result lets it run on.
   */
  async paceReceiver(): Promise<() => Promise<void>> {
    const slice = 'kill -STOP $pid; usleep 500000; kill -CONT $pid; usleep 400000';
    const loop = `while [ -e /run/paced ]; do ${slice}; done; rm /run/pacing`;
    await this.mustRun(
      `pid=$(cat /run/receiver.pid); : > /run/paced; : > /run/pacing; (${loop}) > /dev/null 2>&1 &`,
    );
    return async () => {
      await this.mustRun('rm /run/paced; while [ -e /run/pacing ]; do usleep 50000; done');
    };
  }

  /** What the receiver has said so far. */
  async receiverLog(): Promise<string> {
    return (await this.run('cat /run/receiver.log')).stdout;
  }

  /** The host's end of a serial port or console, such as /dev/pts/3, by alias (`serial1`, `console1`). */
  async ptyPath(alias: string): Promise<string> {
    const xml = await virsh(this.uri, 'dumpxml', this.name);
    const device = xml
      .split(/<(?=serial |console |channel )/)
      .find(part => part.includes(`<alias name='${alias}'`));
    const [, pty] = /<source path='([^']+)'/.exec(device ?? '') ?? [];
    if (!pty) throw new Error(`${this.name} has no pty with the alias ${alias}`);
    return pty;
  }

  /** Cuts the power; the domain stays defined, shut off. */
  async forceOff(): Promise<void> {
    this.#shell.close();
    await virsh(this.uri, 'destroy', this.name);
  }

  /** Ends and removes the domain and its files. Safe to call twice, and with libvirtd gone. */
  async destroy(): Promise<void> {
    this.#shell.close();
    await removeRunDirectory(this.#directory);
  }

  async #awaitReceiver(): Promise<void> {
    // The agent starts before the receiver, and both start before the guest is said to be up.
    const state = 'while ! [ -e /run/receiver.state ]; do usleep 20000; done; cat /run/receiver.state';
    const { status, stdout } = await this.run(state, { timeoutMs: receiverTimeoutMs });
    if (status === 0 && stdout.trim() === '0') return;
    throw new Error(`the receiver did not start in the guest:\n${await this.receiverLog()}`);
  }
}

/** Quotes one argument for the guest's shell. */
export function quoteForShell(argument: string): string {
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}

/**
 * The limit is for a system libvirtd on a machine whose /dev/kvm exists but doesn't work: it asks QEMU anew what it
 * can do before each define and start, 15 s each time.
 */
function virsh(uri: string, ...args: string[]): Promise<string> {
  return run('virsh', ['-q', '-c', uri, ...args], { timeoutMs: 120_000 });
}
