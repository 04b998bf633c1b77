/** What this computer knows of a user whom libvirt refuses: groups, the socket's mode, and whether polkit can be asked. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { userInfo } from 'node:os';

/** What lacks; `group` is the one that is let in. */
export type AccessGap =
  | { readonly kind: 'not-a-member' | 'not-yet' | 'member' | 'no-group'; readonly group: string }
  /** The member of the group needs these, and they don't run. */
  | { readonly kind: 'no-dbus' | 'no-polkit'; readonly group: string }
  /** Of a socket. */
  | { readonly kind: 'closed-folder' | 'owner-only' };

/** Where the facts come from; a test's are made up. */
export interface AccessSources {
  readonly user: string;
  /** Of this process: what a login was given. */
  readonly groups: readonly number[];
  /** /etc/group's line. */
  readonly groupLine: (nameOrId: string | number) => string | undefined;
  readonly stat: (path: string) => Pick<Stats, 'mode' | 'gid'>;
  readonly runsDbus: () => boolean;
  readonly runsPolkit: () => boolean;
}

/** libvirt's polkit rule lets this group in, and its socket units name it on most systems. */
const GROUP = 'libvirt';

/** @param socket - one that the user may not open; without it libvirt's daemon or polkit refused */
export function findAccessGap(
  socket: string | undefined,
  sources: AccessSources = thisComputer(),
): AccessGap {
  if (socket === undefined) {
    const gap = membership(GROUP, sources);
    if (gap.kind !== 'member') return gap;
    if (!sources.runsDbus()) return { kind: 'no-dbus', group: GROUP };
    return sources.runsPolkit() ? gap : { kind: 'no-polkit', group: GROUP };
  }
  try {
    const { mode, gid } = sources.stat(socket);
    if ((mode & 0o060) !== 0o060) return { kind: 'owner-only' };
    return membership(nameOf(sources.groupLine(gid)) ?? String(gid), sources);
  } catch {
    return { kind: 'closed-folder' };
  }
}

function membership(group: string, { user, groups, groupLine }: AccessSources): AccessGap {
  const line = groupLine(group);
  if (line === undefined) return { kind: 'no-group', group };
  const [, , id, members = ''] = line.split(':');
  if (groups.includes(Number(id))) return { kind: 'member', group };
  return { kind: members.split(',').includes(user) ? 'not-yet' : 'not-a-member', group };
}

function nameOf(groupLine: string | undefined): string | undefined {
  return groupLine?.split(':')[0];
}

function thisComputer(): AccessSources {
  return {
    user: userInfo().username,
    groups: [...(process.getgroups?.() ?? []), process.getegid?.() ?? -1],
    groupLine,
    stat: statSync,
    runsDbus,
    runsPolkit,
  };
}

/** Of the C library. */
const GETENT = 'getent';
const GETENT_TIMEOUT_MS = 1_000;

/** The file has nearly every group that counts here; what a directory service adds, getent knows. */
function groupLine(nameOrId: string | number): string | undefined {
  const field = typeof nameOrId === 'number' ? 2 : 0;
  const isWanted = (line: string) => line.split(':')[field] === String(nameOrId);
  const inFile = linesOf('/etc/group').find(isWanted);
  if (inFile !== undefined) return inFile;
  const getent = spawnSync(GETENT, ['group', String(nameOrId)], {
    encoding: 'utf8',
    timeout: GETENT_TIMEOUT_MS,
  });
  return getent.status === 0 ? getent.stdout.split('\n').find(isWanted) : undefined;
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

const DBUS_SOCKETS = ['/run/dbus/system_bus_socket', '/var/run/dbus/system_bus_socket'];

/** Somebody listens: the socket alone may be left over. */
function runsDbus(): boolean {
  const listening = linesOf('/proc/net/unix');
  return DBUS_SOCKETS.some(path =>
    listening.length > 0 ? listening.some(line => line.endsWith(` ${path}`)) : existsSync(path),
  );
}

/** Other users' processes may be hidden; then this isn't what can be blamed. */
function runsPolkit(): boolean {
  try {
    const names = readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(id => linesOf(`/proc/${id}/comm`)[0]);
    return names.includes('polkitd') || linesOf('/proc/1/comm')[0] === undefined;
  } catch {
    return true;
  }
}
