/** A client of libvirt's RPC protocol: domains, their consoles and channels as streams, their events. */
import { Connection } from './connection.ts';
import { CONTROL_DEAD_MS, CONTROL_PING_MS } from './constants.ts';
import { dialLocal } from './dial.ts';
import { openConnection } from './open.ts';
import type { Dialer } from './transport.ts';
import type { LibvirtConnection } from './types.ts';
import { parseUri } from './uri.ts';

export { dialCommand, dialLocal } from './dial.ts';
export { isLibvirtError, LibvirtError, type LibvirtErrorCode, type LibvirtErrorReason } from './errors.ts';
export { type Dialer, type DialOptions, duplexTransport, type Transport } from './transport.ts';
export type * from './types.ts';
export { type ConnectionUri, defaultUris, parseUri } from './uri.ts';

export interface ConnectOptions {
  /** Gives up connecting (with an AbortError). Once connected it has no effect; then there is `close()`. */
  readonly signal?: AbortSignal | undefined;
  /** How to reach the daemon, for this connection and for each stream's. Default: a local socket. */
  readonly dial?: Dialer | undefined;
  /** Takes the read-only socket at once. It is also taken where permissions leave no other. */
  readonly readOnly?: boolean | undefined;
}

/**
 * Resolves once authenticated and opened. A password dialog of polkit is waited for without limit.
 * @throws LibvirtError with code `bad-uri`, `no-socket`, `access-denied`, `denied`, `auth-failed` …, or an AbortError
 */
export async function connect(uri: string, options: ConnectOptions = {}): Promise<LibvirtConnection> {
  const { signal, dial = dialLocal, readOnly } = options;
  const keepalive = { intervalMs: CONTROL_PING_MS, deadMs: CONTROL_DEAD_MS };
  const plan = { uri: parseUri(uri), dial, keepalive, readOnly };
  return new Connection(await openConnection({ ...plan, signal }), plan);
}
