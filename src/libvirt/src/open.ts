/** From a URI to a connection on which calls can be made: dial, authenticate, agree on keepalive, open. */
import { authenticate } from './auth.ts';
import { FEATURE_KEEPALIVE, HANDSHAKE_TIMEOUT_MS, OPEN_READ_ONLY, PROC } from './constants.ts';
import { abortError } from './errors.ts';
import type { KeepaliveTimes } from './keepalive.ts';
import { RpcConnection } from './rpc.ts';
import type { Dialer } from './transport.ts';
import type { ConnectionUri } from './uri.ts';
import { XdrWriter } from './xdr.ts';

export interface OpenPlan {
  readonly uri: ConnectionUri;
  readonly dial: Dialer;
  readonly keepalive: KeepaliveTimes;
  readonly readOnly?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A connection that fails on the way is closed again, and nobody else has seen it. */
export async function openConnection(plan: OpenPlan): Promise<RpcConnection> {
  const { uri, signal, readOnly } = plan;
  if (signal?.aborted) throw abortError();
  const rpc = new RpcConnection(await plan.dial(uri, { signal, readOnly }));
  try {
    await shakeHands(rpc, plan);
    return rpc;
  } catch (error) {
    rpc.close();
    throw error;
  }
}

async function shakeHands(rpc: RpcConnection, { uri, keepalive, signal }: OpenPlan): Promise<void> {
  const options = { signal, timeoutMs: HANDSHAKE_TIMEOUT_MS };
  await authenticate(rpc, uri, options);
  // Before OPEN, as libvirt's own client does: from here on the daemon notices if we vanish.
  const feature = new XdrWriter().i32(FEATURE_KEEPALIVE).finish();
  const supported = await rpc.call(PROC.supportsFeature, feature, reader => reader.i32() !== 0, options);
  if (supported) rpc.startKeepalive(keepalive);
  // remote_connect_open_args { remote_string name, u32 flags }: only from here on is there a driver behind the calls.
  const name = new XdrWriter()
    .optionalString(uri.remoteName)
    .u32(rpc.readOnly ? OPEN_READ_ONLY : 0)
    .finish();
  await rpc.call(PROC.open, name, () => undefined, options);
}
