/** Connection URIs (docs/uri.html) and where the daemon's sockets are (docs/daemons.html). */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LibvirtError } from './errors.ts';

export interface ConnectionUri {
  /** As given. */
  readonly text: string;
  /** `qemu`, `lxc`, … */
  readonly driver: string;
  /** `unix` without a host, `tls` with one, else what follows the plus: `ssh`, `tcp`, `unix` … */
  readonly transport: string;
  readonly host: string;
  readonly user: string;
  readonly port: number | undefined;
  /**
   * True for the user's own daemon, false for the system's. Root has none of its own: libvirt's tools take
   * the system's for it whatever the path says.
   */
  readonly sessionDaemon: boolean;
  /** What the daemon is told to open: the URI without what only concerns the way to it. */
  readonly remoteName: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Consumed on this side, never sent (src/remote/remote_driver.c: the parameters it strips). */
const LOCAL_PARAMETERS = new Set([
  'auth',
  'command',
  'debug',
  'keyfile',
  'known_hosts',
  'known_hosts_verify',
  'mode',
  'name',
  'netcat',
  'no_sanity',
  'no_tty',
  'no_verify',
  'pkipath',
  'proxy',
  'socket',
  'sshauth',
  'tls_priority',
]);

export function parseUri(text: string): ConnectionUri {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // `qemu:/system` has no authority, and is as good as `qemu:///system`; `qemu:system` has no path.
  if (!url?.pathname.startsWith('/')) {
    throw new LibvirtError('bad-uri', `"${text}" is not a libvirt URI.`, { subject: text });
  }
  const [driver = '', transport] = url.protocol.slice(0, -1).split('+', 2);
  const parameters = parseParameters(url.search.slice(1));
  return {
    text,
    driver,
    transport: transport ?? (url.hostname === '' ? 'unix' : 'tls'),
    host: decodeURIComponent(url.hostname),
    user: decodeURIComponent(url.username),
    port: url.port === '' ? undefined : Number(url.port),
    sessionDaemon: url.pathname === '/session' && process.geteuid?.() !== 0,
    remoteName: parameters.get('name') ?? remoteName(driver, url.pathname, parameters),
    parameters,
  };
}

/**
 * src/util/viruri.c, virURIParseParams: `+` is no blank, as it is in a web form, and `;` separates as `&` does, though
 * only where no `&` follows.
 */
function parseParameters(query: string): Map<string, string> {
  const parts = query.split('&');
  const last = parts.pop() ?? '';
  const pairs = [...parts, ...last.split(';')].map(pair => {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    const key = unescaped(name);
    // remote_driver.c knows its own in any case.
    return [LOCAL_PARAMETERS.has(key.toLowerCase()) ? key.toLowerCase() : key, unescaped(value)] as const;
  });
  return new Map(pairs.filter(([key]) => key !== ''));
}

/** What isn't an escape stays as it is. */
function unescaped(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, escapes =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString(),
  );
}

function remoteName(driver: string, path: string, parameters: ReadonlyMap<string, string>): string {
  const kept = [...parameters].filter(([key]) => !LOCAL_PARAMETERS.has(key));
  const query = kept.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  return `${driver}://${path}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}

export interface SocketPaths {
  /** In the order to try them. */
  readonly readWrite: readonly string[];
  /** Offered by the system's daemons alone. */
  readonly readOnly: readonly string[];
}

/**
 * The driver's own daemon comes first, as in libvirt (remote_sockets.c, mode=auto): where both sockets
 * exist, libvirt-sock may belong to virtproxyd, which only hands on to the former.
 */
export function socketPaths(uri: ConnectionUri, env: NodeJS.ProcessEnv = process.env): SocketPaths {
  const given = uri.parameters.get('socket');
  if (given !== undefined) return { readWrite: [given], readOnly: [] };
  const names = [`virt${uri.driver}d-sock`, 'libvirt-sock'];
  if (uri.sessionDaemon) {
    const folder = sessionFolder(env);
    return { readWrite: names.map(name => join(folder, name)), readOnly: [] };
  }
  const readWrite = names.map(name => join('/var/run/libvirt', name));
  return { readWrite, readOnly: readWrite.map(path => `${path}-ro`) };
}

/** src/util/virutil.c, virGetUserRuntimeDirectory */
function sessionFolder(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_RUNTIME_DIR || env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  return join(base, 'libvirt');
}

/**
 * The URIs to use when none is given, best first: `LIBVIRT_DEFAULT_URI` alone if it's set, else the system's daemon and,
 * for who may not use that, the user's own. Root has none of its own.
 */
export function defaultUris(env: NodeJS.ProcessEnv = process.env): string[] {
  if (env.LIBVIRT_DEFAULT_URI) return [env.LIBVIRT_DEFAULT_URI];
  const system = 'qemu:///system';
  return process.geteuid?.() === 0 ? [system] : [system, 'qemu:///session'];
}
