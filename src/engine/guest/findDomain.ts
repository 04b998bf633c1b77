import {
  type Domain,
  type DomainState,
  type DomainStatus,
  isLibvirtError,
  type LibvirtConnection,
} from 'libvirt';
import { GuestError, type IdleState, pauseReason } from './guestError.ts';

type Lookup = Pick<LibvirtConnection, 'lookupByName' | 'lookupByUuid' | 'lookupById' | 'domainStatus'>;

const UUID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;
/** libvirt's ids are 32-bit, signed. */
const ID = /^\d{1,9}$/;

/** By name first, unlike virsh, because a domain may be called "3". Throws LibvirtError `no-domain`. */
export async function findDomain(connection: Lookup, name: string, signal: AbortSignal): Promise<Domain> {
  try {
    return await connection.lookupByName(name, { signal });
  } catch (error) {
    if (!isLibvirtError(error) || error.code !== 'no-domain') throw error;
    if (UUID.test(name)) return connection.lookupByUuid(name, { signal });
    if (ID.test(name)) return connection.lookupById(Number(name), { signal });
    throw error;
  }
}

const IDLE: ReadonlySet<DomainState> = new Set(['shutoff', 'shutdown', 'crashed', 'paused', 'pmsuspended']);

/** What keeps a domain in this state from taking a copy; undefined if nothing does. */
export function notRunning(
  { name: domain }: Domain,
  { state, reason }: DomainStatus,
): GuestError | undefined {
  if (!isIdle(state)) return undefined;
  const pause = state === 'paused' ? pauseReason(reason) : undefined;
  return new GuestError({ code: 'not-running', domain, state, ...(pause ? { pause } : {}) });
}

function isIdle(state: DomainState): state is IdleState {
  return IDLE.has(state);
}

export async function requireRunning(connection: Lookup, domain: Domain, signal: AbortSignal): Promise<void> {
  const error = notRunning(domain, await connection.domainStatus(domain, { signal }));
  if (error) throw error;
}
