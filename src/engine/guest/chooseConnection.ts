import { connect, defaultUris, isLibvirtError, LibvirtError } from 'libvirt';

/** Which connection a copy or a list takes. */
export interface ChosenConnection {
  readonly uri: string;
  /** The better one that the default passed over, and why. */
  readonly passedOver?: { readonly uri: string; readonly error: LibvirtError };
}

export interface ChooseConnectionOptions {
  readonly signal?: AbortSignal | undefined;
  /** For tests, which have no daemons. */
  readonly uris?: readonly string[];
  readonly connect?: typeof connect;
}

/**
 * What the user named; else the default, which falls back from the system's daemon to the user's own where the former
 * can't be used. Whether it can is found out by connecting: a socket that may be opened says nothing of its daemon.
 *
 * @throws AbortError
 */
export async function chooseConnection(
  named: string | undefined,
  { signal, uris = defaultUris(), connect: open = connect }: ChooseConnectionOptions = {},
): Promise<ChosenConnection> {
  if (named !== undefined) return { uri: named };
  const [first = '', second] = uris;
  if (second === undefined) return { uri: first };
  try {
    const connection = await open(first, { signal });
    await connection.close();
    if (!connection.readOnly) return { uri: first };
    return { uri: second, passedOver: { uri: first, error: readOnlyError(first) } };
  } catch (error) {
    if (!isLibvirtError(error)) throw error;
    return { uri: second, passedOver: { uri: first, error } };
  }
}

/** With that one can look, but not copy. */
function readOnlyError(uri: string): LibvirtError {
  return new LibvirtError('read-only', `only the read-only socket of ${uri} can be opened`);
}
