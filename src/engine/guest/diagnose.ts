import { setTimeout as delay } from 'node:timers/promises';
import { type Domain, type DomainState, isLibvirtError, type LibvirtConnection } from 'libvirt';
import { isProtocolError } from '../../protocol/index.ts';
import { isAborted } from '../../text/abort.ts';
import { quote } from '../messages/fileMessages.ts';
import { notRunning } from './findDomain.ts';
import { CliError } from './guestError.ts';
import type { OpenGuest } from './openGuest.ts';

const ASK_TIMEOUT_MS = 2000;
/** A domain's devices go some milliseconds before libvirt says that it is off. */
const SETTLE_MS = 800;
const SETTLE_STEP_MS = 100;
const OFF: readonly DomainState[] = ['shutoff', 'shutdown', 'crashed'];

/**
 * Why a session ended in mid-copy, as far as libvirt can tell: the daemon or the domain may be gone rather
 * than the receiver. Gives back the error itself where libvirt knows nothing.
 */
export async function diagnose(error: unknown, { connection, domain }: OpenGuest): Promise<unknown> {
  if (!isProtocolError(error) || !['lost', 'closed', 'reset'].includes(error.code)) return error;
  if (!connection || !domain) return error;
  try {
    const state = await settledState(connection, domain, error.code === 'closed' ? SETTLE_MS : 0);
    return OFF.includes(state) ? stopped(domain) : (notRunning(domain, state) ?? error);
  } catch (cause) {
    // A daemon that takes longer than it was given is as good as lost.
    if (isAborted(cause)) return daemonLost(connection);
    if (!isLibvirtError(cause)) return error;
    // A transient domain is forgotten when it stops.
    return cause.code === 'no-domain' ? stopped(domain) : daemonLost(connection);
  }
}

async function settledState(
  connection: LibvirtConnection,
  domain: Domain,
  patienceMs: number,
): Promise<DomainState> {
  const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
  for (let waitedMs = 0; ; waitedMs += SETTLE_STEP_MS) {
    const state = await connection.domainState(domain, { signal });
    if (state !== 'running' || waitedMs >= patienceMs) return state;
    await delay(SETTLE_STEP_MS);
  }
}

function stopped(domain: Domain): CliError {
  const name = quote(domain.name);
  return new CliError(
    'domain-stopped',
    `Domain ${name} stopped during the copy: start it, and the receiver in it, and copy again.`,
  );
}

function daemonLost(connection: LibvirtConnection): CliError {
  return new CliError(
    'connection-lost',
    `The connection to libvirt at ${connection.uri} was lost during the copy: see that its daemon runs, and copy again.`,
  );
}
