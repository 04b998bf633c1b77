/** The ways to a daemon on this host: its UNIX socket, or a helper's stdio that starts the user's daemon. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect as connectSocket, type Socket } from 'node:net';
import { abortError, LibvirtError } from './errors.ts';
import { type DialOptions, duplexTransport, type Transport } from './transport.ts';
import { type ConnectionUri, socketPaths } from './uri.ts';

/**
 * The sockets in their order, then, for the user's own daemon, the helper that starts it:
 *
 * | the read-write sockets | system's daemon | user's daemon |
 * |---|---|---|
 * | one connects | taken | taken |
 * | none, one is denied | the read-only ones, then `access-denied` | `access-denied` |
 * | none, and none is denied | `no-socket` | virt-ssh-helper, which starts the daemon |
 */
export async function dialLocal(uri: ConnectionUri, options: DialOptions): Promise<Transport> {
  if (uri.transport !== 'unix') {
    throw new LibvirtError(
      'unsupported',
      `${uri.text} asks for the transport "${uri.transport}", which is not supported: give a local URI such as qemu:///system.`,
    );
  }
  const paths = socketPaths(uri);
  const found = options.readOnly ? undefined : await tryPaths(paths.readWrite, options.signal);
  if (found !== undefined && !('failures' in found)) return duplexTransport(found);
  const failures = found?.failures ?? [];
  // Only where a permission is what lacks: an absent daemon has no read-only socket either.
  if (options.readOnly || failures.some(({ reason }) => reason === 'denied')) {
    const readOnly = await tryPaths(paths.readOnly, options.signal);
    if (!('failures' in readOnly)) return duplexTransport(readOnly, true);
    if (failures.length === 0) throw explainFailures(readOnly.failures);
  }
  if (
    uri.sessionDaemon &&
    !uri.parameters.has('socket') &&
    failures.every(({ reason }) => reason !== 'denied')
  ) {
    return dialCommand('virt-ssh-helper', [uri.remoteName], options);
  }
  throw explainFailures(failures);
}

interface Failure {
  readonly path: string;
  readonly reason: 'absent' | 'denied' | 'silent';
  readonly cause: unknown;
}

async function tryPaths(
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Socket | { failures: Failure[] }> {
  const failures: Failure[] = [];
  for (const path of paths) {
    try {
      return await dialSocket(path, signal);
    } catch (cause) {
      if (signal?.aborted) throw abortError();
      failures.push({ path, reason: reasonOf(cause), cause });
    }
  }
  return { failures };
}

function dialSocket(path: string, signal: AbortSignal | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError());
    const socket = connectSocket({ path });
    const onAbort = () => socket.destroy(abortError());
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', error => {
      signal?.removeEventListener('abort', onAbort);
      reject(error);
    });
    socket.once('connect', () => {
      signal?.removeEventListener('abort', onAbort);
      resolve(socket);
    });
  });
}

function reasonOf(cause: unknown): Failure['reason'] {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'EACCES':
    case 'EPERM':
      return 'denied';
    case 'ENOENT':
    case 'ENOTDIR':
      return 'absent';
    default:
      return 'silent'; // ECONNREFUSED: the socket of a daemon that ended; EAGAIN: one that doesn't accept
  }
}

/** The failure closest to success is the one worth telling; the legacy socket's path is the known one. */
function explainFailures(failures: readonly Failure[]): LibvirtError {
  const denied = failures.findLast(({ reason }) => reason === 'denied');
  if (denied !== undefined) {
    return new LibvirtError(
      'access-denied',
      `This user may not open libvirt's socket ${denied.path}; run "sudo usermod -aG libvirt $USER" and log in again.`,
      { cause: denied.cause },
    );
  }
  const silent = failures.findLast(({ reason }) => reason === 'silent');
  if (silent !== undefined) {
    return new LibvirtError(
      'no-socket',
      `Nothing answers at libvirt's socket ${silent.path}; start the daemon with "sudo systemctl start libvirtd".`,
      { cause: silent.cause },
    );
  }
  const absent = failures.at(-1);
  return new LibvirtError(
    'no-socket',
    `libvirt's socket ${absent?.path ?? ''} does not exist; is libvirtd installed and running?`,
    { cause: absent?.cause },
  );
}

/** A command whose stdin and stdout lead to a daemon: virt-ssh-helper here, ssh for those who inject it. */
export function dialCommand(
  command: string,
  commandArguments: readonly string[],
  options: DialOptions = {},
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) return reject(abortError());
    const child = spawn(command, commandArguments, { stdio: ['pipe', 'pipe', 'pipe'] });
    child.once('error', cause => {
      reject(
        new LibvirtError(
          'no-socket',
          `"${command}", which leads to libvirt's daemon, could not be started; is libvirt installed?`,
          { cause },
        ),
      );
    });
    child.once('spawn', () => resolve(childTransport(child)));
  });
}

/** A message, not a log: the first lines of stderr are where a command says why it failed. */
const LAST_WORDS_MAX_CHARACTERS = 2_000;

/** Destroyed in all its parts: a child that waits on one open pipe would stay behind. */
function childTransport(child: ChildProcess): Transport {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new TypeError('child without pipes');
  let words = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(0, LAST_WORDS_MAX_CHARACTERS);
  });
  // stdout ends before stderr was read to its end: only 'close' comes after both.
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()));
  return {
    readable: stdout,
    writable: stdin,
    readOnly: false,
    lastWords: () => closed.then(() => words.trim() || undefined),
    destroy() {
      stdin.destroy();
      stdout.destroy();
      stderr.destroy();
      child.kill();
    },
  };
}
