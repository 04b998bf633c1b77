/** Where in the guest each source goes: the rules of `Out Path`. */
import { isRemoteError, type Session } from '../protocol/index.ts';
import { TransferError } from './transferError.ts';

export interface Destination {
  /** Sources go into this directory under their own names; otherwise to exactly this path. */
  kind: 'directory' | 'exact' | 'device';
  path: string;
}

/**
 * Asks the guest what `outPath` is.
 *
 * @throws TransferError `no-directory` or `not-a-directory` where several sources, or a closing separator, want a
 * directory and there is none.
 */
export async function resolveDestination(
  session: Session,
  outPath: string,
  sourceCount: number,
): Promise<Destination> {
  const found = await session.request('stat', { path: outPath });
  const type = found.get('type') ?? 'none';
  const wantsDirectory = sourceCount > 1 || endsWithSeparator(outPath, session);
  if (type === 'directory') return { kind: 'directory', path: found.get('path') || outPath };
  if (wantsDirectory) {
    const code = type === 'none' ? 'no-directory' : 'not-a-directory';
    throw new TransferError(code, `${outPath} is not a directory in the guest`, outPath);
  }
  return { kind: type === 'device' ? 'device' : 'exact', path: outPath };
}

export function joinGuestPath(session: Session, directory: string, name: string): string {
  return endsWithSeparator(directory, session)
    ? directory + name
    : directory + session.welcome.separator + name;
}

function endsWithSeparator(path: string, session: Session): boolean {
  return path.endsWith('/') || (session.welcome.separator === '\\' && path.endsWith('\\'));
}

/** Whether the guest has exactly this content under this path already. */
export async function holdsSameContent(
  session: Session,
  path: string,
  size: number,
  localHash: () => Promise<string>,
): Promise<string | undefined> {
  try {
    const found = await session.request('stat', { path, hash: 'sha256', follow: 0 });
    if (found.get('type') !== 'file' || found.get('size') !== String(size)) return undefined;
    const sha256 = await localHash();
    return found.get('sha256') === sha256 ? sha256 : undefined;
  } catch (error) {
    // Not being allowed to read what is there is no reason to fail: it just stays a conflict.
    if (isRemoteError(error)) return undefined;
    throw error;
  }
}
