// A real libvirtd for the tests and the demo: a private *session-mode* daemon of our own.
//
// Why private (measured with libvirt 9.0): libvirtd takes session mode whenever it doesn't run as root, and then
// needs neither D-Bus, polkit, cgroups, a security driver nor anything in /etc/libvirt. With its XDG directories
// in a run directory it is up in about 60 ms, shares nothing with a libvirtd the developer uses, works for
// an ordinary user as well, and may be stopped in mid-copy by a test. Root can't have session mode (the daemon
// looks at its effective uid alone), so as root it is started as the unprivileged user QEMU would run as anyway;
// root may still use its sockets and ptys. `qemu:///session?socket=PATH` is how every client names it.
//
// `qemu:///system` is what most users have, so `ensureSystemLibvirtd` is there for the few tests about that.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { isSoon } from './polling.ts';
import {
  endProcess,
  findProgram,
  identify,
  isAlive,
  type ProcessIdentity,
  run,
  signalProcess,
} from './processes.ts';
import { makeRunDirectory, recordProcess, removeAbandoned, removeRunDirectory } from './runDirectory.ts';

export interface Libvirtd {
  /** Connection URI for virsh, com-dd and our own client. */
  uri: string;
  /** Stops what was started here; a daemon that ran before is left running. Safe to call twice. */
  stop(): Promise<void>;
}

export interface PrivateLibvirtd extends Libvirtd {
  socketPath: string;
  /** Ends the daemon alone; its guests run on. SIGKILL is a crash, SIGTERM what a service manager does. */
  stopLibvirtd(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts the daemon again after `stopLibvirtd`; it finds its guests again. */
  startLibvirtd(): Promise<void>;
  restartLibvirtd(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** Set by the test runner so that all test files share one daemon. */
export const uriVariable = 'GUESTWIRE_TEST_URI';

/** The daemon the runner made, or else a private one of this process. */
export async function ensureLibvirtd(): Promise<Libvirtd> {
  const uri = process.env[uriVariable];
  if (!uri) return startPrivateLibvirtd();
  await run('virsh', ['-q', '-c', uri, 'uri'], { timeoutMs: 60_000 });
  return { uri, stop: async () => {} };
}

/** A daemon nobody else uses: for a test that stops it, and for everything run by hand. */
export async function startPrivateLibvirtd(): Promise<PrivateLibvirtd> {
  await removeAbandoned();
  const directory = makeRunDirectory();
  const daemon = new SessionDaemon(directory);
  try {
    await daemon.startLibvirtd();
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return daemon;
}

class SessionDaemon implements PrivateLibvirtd {
  readonly uri: string;
  readonly socketPath: string;
  readonly #directory: string;
  #process: ProcessIdentity | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.socketPath = path.join(directory, 'run/libvirt/libvirt-sock');
    this.uri = `qemu:///session?socket=${this.socketPath}`;
    prepareDirectories(directory);
  }

  async startLibvirtd(): Promise<void> {
    if (this.#process && isAlive(this.#process)) return;
    this.#process = spawnDaemon('libvirtd', [], path.join(this.#directory, 'libvirtd.log'), {
      env: sessionEnvironment(this.#directory),
      ...qemuUser(),
    });
    recordProcess(this.#directory, this.#process);
    await waitForSocket(this.socketPath, this.#process, path.join(this.#directory, 'libvirtd.log'));
  }

  async stopLibvirtd(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.#process) return;
    signalProcess(this.#process, signal);
    await endProcess(this.#process);
    // A killed daemon leaves its socket, and a dead socket would look like one that is up.
    fs.rmSync(this.socketPath, { force: true });
  }

  async restartLibvirtd(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.stopLibvirtd(signal);
    await this.startLibvirtd();
  }

  async stop(): Promise<void> {
    await removeRunDirectory(this.#directory);
  }
}

/**
 * The user libvirtd and QEMU run as when we are root (as `qemu:///system` has it); `nobody` is on every system.
 * Empty when we are not root: then everything is ours.
 */
export function qemuUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const accounts = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'));
  const account =
    accounts.find(([name]) => name === 'libvirt-qemu') ?? accounts.find(([name]) => name === 'nobody');
  if (!account)
    throw new Error('no user "libvirt-qemu" or "nobody" in /etc/passwd to run the test libvirtd as');
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

function prepareDirectories(directory: string): void {
  const { uid, gid } = qemuUser();
  for (const name of ['run', 'c', 'c/libvirt', 'h']) {
    const made = path.join(directory, name);
    fs.mkdirSync(made, { mode: name === 'run' ? 0o700 : 0o755 });
    if (uid !== undefined && gid !== undefined) fs.chownSync(made, uid, gid);
  }
  // Without a virtlogd of its own the daemon needs one process less to be stopped and reaped.
  fs.writeFileSync(
    path.join(directory, 'c/libvirt/qemu.conf'),
    'stdio_handler = "file"\nsecurity_driver = "none"\n',
  );
}

/** Session daemons find everything by these; the developer's D-Bus and display stay out of it. */
function sessionEnvironment(directory: string): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
    LANG: 'C.UTF-8',
    HOME: path.join(directory, 'h'),
    XDG_RUNTIME_DIR: path.join(directory, 'run'),
    XDG_CONFIG_HOME: path.join(directory, 'c'),
    XDG_CACHE_HOME: path.join(directory, 'h'),
    XDG_DATA_HOME: path.join(directory, 'h'),
  };
}

interface SpawnDaemonOptions {
  env: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
}

/** Starts a daemon in its own session, so that Ctrl-C at the terminal reaches only us, who then stop it. */
function spawnDaemon(
  name: string,
  args: string[],
  logFile: string,
  options: SpawnDaemonOptions,
): ProcessIdentity {
  const program = findProgram(name);
  if (!program) throw new Error(`${name} is not installed: install the Debian package libvirt-daemon`);
  const log = fs.openSync(logFile, 'a');
  const child = spawn(program, args, { ...options, cwd: '/', detached: true, stdio: ['ignore', log, log] });
  fs.closeSync(log);
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (!identity) throw new Error(`${name} could not be started; see ${logFile}`);
  return identity;
}

/** It answers within a second where nothing else has the processors. */
const DAEMON_START_MS = 60_000;

async function waitForSocket(socketPath: string, daemon: ProcessIdentity, logFile: string): Promise<void> {
  const isUpOrDead = async (): Promise<boolean> => !isAlive(daemon) || (await answers(socketPath));
  const isSettled = await isSoon(isUpOrDead, DAEMON_START_MS);
  if (isSettled && isAlive(daemon)) return;
  const log = fs.existsSync(logFile) ? fs.readFileSync(logFile, 'utf8').slice(-2000) : '';
  throw new Error(`libvirtd ${isSettled ? 'ended at once' : 'did not answer in time'}:\n${log}`);
}

/** Whether somebody listens on the UNIX socket. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export const systemUri = 'qemu:///system';
const systemSockets = ['/var/run/libvirt/virtqemud-sock', '/var/run/libvirt/libvirt-sock'];

/** Whether there is a daemon of the system's that lets this user in. */
export async function systemLibvirtdAnswers(): Promise<boolean> {
  for (const socket of systemSockets) if (await answers(socket)) return true;
  return false;
}

/**
 * `qemu:///system`: the running daemon where there is one; else, as root, libvirtd is started as an init system
 * would do it, and stopped again by `stop`. Undefined where neither can be.
 */
export async function ensureSystemLibvirtd(): Promise<Libvirtd | undefined> {
  const uri = systemUri;
  if (await systemLibvirtdAnswers()) return { uri, stop: async () => {} };
  if (process.getuid?.() !== 0 || !findProgram('libvirtd') || !fs.existsSync(systemSettings))
    return undefined;
  return startSystemLibvirtd(uri);
}

async function startSystemLibvirtd(uri: string): Promise<Libvirtd> {
  const directory = makeRunDirectory();
  const logFile = path.join(directory, 'libvirtd.log');
  const stop = (): Promise<void> => removeRunDirectory(directory);
  try {
    const environment = { ...process.env, LANG: 'C.UTF-8' };
    const daemon = spawnDaemon('unshare', systemDaemonArguments(directory), logFile, { env: environment });
    recordProcess(directory, daemon);
    await waitForSocket('/var/run/libvirt/libvirt-sock', daemon, logFile);
    // Now that it answers, guests of a crashed run can be removed from it.
    await removeAbandoned();
  } catch (error) {
    await stop();
    throw error;
  }
  return { uri, stop };
}

const systemSettings = '/etc/libvirt/qemu.conf';

/**
 * Arguments of unshare(1) for a system libvirtd that sees two files of ours, in a mount namespace of its own:
 * settings, by which it needs no virtlogd, and an empty /dev/kvm. Where there is no udev that device belongs to root
 * alone; QEMU, probed as root, reports KVM, libvirtd then finds that QEMU's user can't use it and probes anew,
 * 4 s each time and several times for each define and start. (It can't build a /dev for QEMU out of such a
 * file, hence no `namespaces`.)
 */
function systemDaemonArguments(directory: string): string[] {
  const settings = path.join(directory, 'qemu.conf');
  const empty = path.join(directory, 'empty');
  fs.writeFileSync(settings, 'stdio_handler = "file"\nnamespaces = []\n');
  fs.writeFileSync(empty, '');
  const script = `mount --bind "$1" ${systemSettings}; ! [ -e /dev/kvm ] || mount --bind "$2" /dev/kvm; exec "$3"`;
  const parameters = [settings, empty, findProgram('libvirtd') ?? 'libvirtd'];
  return ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...parameters];
}
