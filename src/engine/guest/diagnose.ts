import { setTimeout as delay } from 'node:timers/promises';
import {
  connect,
  type Domain,
  type DomainStateReason,
  isLibvirtError,
  type LibvirtConnection,
} from 'libvirt';
import { isProtocolError } from '../../protocol/index.ts';
import { isAborted } from '../../text/abort.ts';
import { notRunning } from './findDomain.ts';
import { GuestError, type StopReason, stopReason } from './guestError.ts';

/** While libvirt ends a domain or saves it, it may be seconds before it answers about that domain. */
const ASK_TIMEOUT_MS = 8_000;
/** A domain's devices go some milliseconds before libvirt says that it is off. */
const SETTLE_MS = 800;
const SETTLE_STEP_MS = 100;
const RECONNECT_TIMEOUT_MS = 2_000;

/** An open guest, as far as it concerns this. */
interface EndedGuest {
  readonly connection: LibvirtConnection | undefined;
  readonly domain: Domain | undefined;
  readonly lastStop?: (() => DomainStateReason | undefined) | undefined;
}

/**
 * Why a session ended in mid-copy, as far as libvirt can tell: the daemon or the domain may be gone rather
 * than the receiver. Gives back the error itself where libvirt knows nothing.
 *
 * @param reconnect - for tests
 */
export async function diagnose(error: unknown, guest: EndedGuest, reconnect = connect): Promise<unknown> {
  const { connection, domain } = guest;
  if (!isProtocolError(error) || !['lost', 'closed', 'reset'].includes(error.code)) return error;
  if (!connection || !domain) return error;
  try {
    const patienceMs = error.code === 'closed' ? SETTLE_MS : 0;
    return (await whatHappened(connection, domain, patienceMs, guest.lastStop)) ?? error;
  } catch (cause) {
    if (!isLibvirtError(cause)) return error;
    // A transient domain is forgotten when it stops.
    if (cause.code === 'no-domain') return stopped(domain, guest.lastStop?.() ?? 'unknown');
    return cause.code === 'connection-lost' ? daemonLost(connection, reconnect) : error;
  }
}

/** Why no link came about, where the domain was stopped or paused in the middle of the search. */
export async function diagnoseOpening(
  error: unknown,
  connection: LibvirtConnection,
  domain: Domain,
): Promise<unknown> {
  if (isAborted(error)) return error;
  const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
  const status = await connection.domainStatus(domain, { signal }).catch(() => undefined);
  return (status && notRunning(domain, status)) ?? error;
}

/** Undefined where the domain runs as before. */
async function whatHappened(
  connection: LibvirtConnection,
  domain: Domain,
  patienceMs: number,
  lastStop: EndedGuest['lastStop'],
): Promise<GuestError | undefined> {
  const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
  for (let waitedMs = 0; ; waitedMs += SETTLE_STEP_MS) {
    const { state, reason } = await connection.domainStatus(domain, { signal });
    if (state === 'shutoff' || state === 'crashed')
      return stopped(domain, state === 'crashed' ? 'crashed' : reason);
    if (state === 'paused' || state === 'pmsuspended') return notRunning(domain, { state, reason });
    const { id } = await connection.lookupByUuid(domain.uuid, { signal });
    if (id !== undefined && id !== domain.id) return stopped(domain, lastStop?.() ?? 'unknown', true);
    if (waitedMs >= patienceMs) return notRunning(domain, { state, reason });
    await delay(SETTLE_STEP_MS);
  }
}

function stopped({ name }: Domain, reason: string, restarted = false): GuestError {
  const why: StopReason = stopReason(reason);
  return new GuestError({ code: 'domain-stopped', domain: name, reason: why, restarted });
}

/** Whether the daemon is gone, or only our connection to it. */
async function daemonLost({ uri }: LibvirtConnection, reconnect: typeof connect): Promise<GuestError> {
  const signal = AbortSignal.timeout(RECONNECT_TIMEOUT_MS);
  const again = await reconnect(uri, { signal }).catch(() => undefined);
  await again?.close();
  return new GuestError({ code: 'connection-lost', uri, answersAgain: again !== undefined });
}
