import { type Domain, type DomainState, isLibvirtError, type LibvirtConnection } from 'libvirt';
import { GuestError, type IdleState } from './guestError.ts';

type Lookup = Pick<LibvirtConnection, 'lookupByName' | 'lookupByUuid' | 'lookupById' | 'domainState'>;

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
export function notRunning({ name }: Domain, state: DomainState): GuestError | undefined {
  return isIdle(state) ? new GuestError({ code: 'not-running', domain: name, state }) : undefined;
}

function isIdle(state: DomainState): state is IdleState {
  return IDLE.has(state);
}

export async function requireRunning(connection: Lookup, domain: Domain, signal: AbortSignal): Promise<void> {
  const error = notRunning(domain, await connection.domainState(domain, { signal }));
  if (error) throw error;
}
