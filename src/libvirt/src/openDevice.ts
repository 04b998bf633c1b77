/** Opening a console or channel: on a connection of its own, patient with one's own last session. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BUSY_RETRY_INTERVAL_MS,
  BUSY_RETRY_MS,
  ERROR_INTERNAL,
  ERROR_OPERATION_FAILED,
  OPEN_FORCE,
  PROC,
} from './constants.ts';
import { writeDomain } from './domainCodec.ts';
import { abortError, LibvirtError } from './errors.ts';
import type { Ticket } from './pendingCalls.ts';
import type { RpcConnection } from './rpc.ts';
import { RpcStream } from './stream.ts';
import type { Domain, LibvirtStream, OpenOptions } from './types.ts';
import { type XdrReader, XdrWriter } from './xdr.ts';

export type DeviceKind = 'console' | 'channel';

/**
 * remote_domain_open_console_args and remote_domain_open_channel_args have one shape:
 *
 *   { remote_nonnull_domain dom, remote_string name, u32 flags }
 *
 * The reply is empty; from then on the call's serial is the stream's.
 */
export async function openDevice(
  openPrivate: () => Promise<RpcConnection>,
  kind: DeviceKind,
  domain: Domain,
  device: string | undefined,
  { force = false, signal }: OpenOptions,
): Promise<LibvirtStream> {
  const payload = writeDomain(new XdrWriter(), domain)
    .optionalString(device)
    .u32(force ? OPEN_FORCE : 0)
    .finish();
  const procedure = kind === 'console' ? PROC.domainOpenConsole : PROC.domainOpenChannel;
  const rpc = await openPrivate();
  try {
    return await retryWhileBusy(signal, () =>
      rpc.call(procedure, payload, (reader, ticket) => openStream(rpc, reader, ticket), { signal }),
    );
  } catch (error) {
    rpc.close();
    throw error instanceof LibvirtError ? explain(error, kind, domain, device) : error;
  }
}

function openStream(rpc: RpcConnection, reader: XdrReader, ticket: Ticket): RpcStream {
  // Before there is a stream, whose error nobody would hear if the reply turned out to be malformed.
  reader.end();
  return new RpcStream(rpc, ticket);
}

async function retryWhileBusy<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + BUSY_RETRY_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
    }
    await sleep(BUSY_RETRY_INTERVAL_MS, undefined, { signal }).catch(() => {
      throw abortError();
    });
  }
}

/**
 * The one place that looks at a text: "operation failed" is a busy device only if it says "Active … exists",
 * with "console session" (consoles) or "channel stream" (channels) between (src/qemu/qemu_driver.c).
 */
function isBusy(error: unknown): boolean {
  return (
    error instanceof LibvirtError &&
    error.number === ERROR_OPERATION_FAILED &&
    /\bActive \w+ (session|stream) exists\b/i.test(error.message)
  );
}

function explain(
  error: LibvirtError,
  kind: DeviceKind,
  domain: Domain,
  device: string | undefined,
): LibvirtError {
  const what = `${kind}${device === undefined ? '' : ` "${device}"`} of ${domain.name}`;
  const details = { number: error.number, domain: error.domain, cause: error };
  if (isBusy(error)) {
    return new LibvirtError(
      'busy',
      `The ${what} is in use by another client; close it there, or take it over by force.`,
      details,
    );
  }
  // libvirt has no code of its own for it: an unknown alias, or a device that is no stream, is "internal".
  if (error.number === ERROR_INTERNAL && error.code === 'internal') {
    return new LibvirtError('bad-device', `The ${what} can't be opened: ${error.message}.`, details);
  }
  return error;
}
