import { type Domain, type DomainState, isLibvirtError, type LibvirtConnection } from 'libvirt';
import { quote } from '../messages/fileMessages.ts';
import { CliError } from './guestError.ts';

type Lookup = Pick<LibvirtConnection, 'lookupByName' | 'lookupByUuid' | 'lookupById' | 'domainState'>;

const UUID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;
/** libvirt's ids are 32-bit, signed. */
const ID = /^\d{1,9}$/;

/** By name first, as virsh does not: a domain may be called "3". Throws LibvirtError `no-domain`. */
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

const REMEDIES: Readonly<Partial<Record<DomainState, (name: string) => string>>> = {
  shutoff: name => `Domain ${name} is shut off: start it, and the receiver in it, and copy again.`,
  shutdown: name => `Domain ${name} is shutting down: start it again and copy then.`,
  crashed: name => `Domain ${name} has crashed: start it again and copy then.`,
  paused: name => `Domain ${name} is paused: resume it and copy again.`,
  pmsuspended: name => `Domain ${name} is asleep: wake it and copy again.`,
};

/** What keeps a domain in this state from taking a copy; undefined if nothing does. */
export function notRunning(domain: Domain, state: DomainState): CliError | undefined {
  const remedy = REMEDIES[state];
  return remedy && new CliError('not-running', remedy(quote(domain.name)));
}

export async function requireRunning(connection: Lookup, domain: Domain, signal: AbortSignal): Promise<void> {
  const error = notRunning(domain, await connection.domainState(domain, { signal }));
  if (error) throw error;
}
