/**
 * The first calls on a connection (remote_protocol.x):
 *
 *   remote_auth_list_ret    { remote_auth_type types<REMOTE_AUTH_TYPE_LIST_MAX> }
 *   remote_auth_polkit_ret  { int complete }
 *
 * Until one of the ways has succeeded a daemon that wants one refuses nearly every other call.
 */
import { AUTH_NONE, AUTH_POLKIT, AUTH_TYPE_LIST_MAX, PROC } from './constants.ts';
import { LibvirtError } from './errors.ts';
import type { RpcCallOptions } from './pendingCalls.ts';
import type { RpcConnection } from './rpc.ts';
import type { ConnectionUri } from './uri.ts';

const NOTHING = Buffer.alloc(0);

/**
 * The daemon says which ways it accepts from this client: root is offered `none`, members of group libvirt
 * pass `polkit` without a question, and others may get a password dialog from it. SASL is not spoken here.
 */
export async function authenticate(
  rpc: RpcConnection,
  uri: ConnectionUri,
  options: RpcCallOptions,
): Promise<void> {
  const ways = await rpc.call(
    PROC.authList,
    NOTHING,
    reader => reader.array(AUTH_TYPE_LIST_MAX, 4, item => item.i32()),
    options,
  );
  if (ways.length === 0 || ways.includes(AUTH_NONE)) return;
  if (!ways.includes(AUTH_POLKIT)) {
    throw new LibvirtError(
      'auth-failed',
      `${uri.text} asks for a user name and password (SASL), which is not supported; use its local socket or ssh.`,
    );
  }
  await askPolkit(rpc, uri, options.signal);
}

/** Without a time limit: a person may be typing a password. */
async function askPolkit(rpc: RpcConnection, uri: ConnectionUri, signal?: AbortSignal): Promise<void> {
  const readComplete = (reader: { i32(): number }) => reader.i32() !== 0;
  const complete = await rpc.call(PROC.authPolkit, NOTHING, readComplete, { signal }).catch(error => {
    throw isRefusal(error) ? refused(uri, error) : error;
  });
  if (!complete) throw refused(uri);
}

function isRefusal(error: unknown): error is LibvirtError {
  return error instanceof LibvirtError && (error.code === 'denied' || error.code === 'auth-failed');
}

function refused(uri: ConnectionUri, cause?: LibvirtError): LibvirtError {
  const reason = cause === undefined ? '' : ` (${cause.message})`;
  return new LibvirtError(
    cause?.code ?? 'auth-failed',
    `libvirt does not let this user use ${uri.text}${reason}; run "sudo usermod -aG libvirt $USER" and log in again.`,
    { number: cause?.number, domain: cause?.domain, cause },
  );
}
