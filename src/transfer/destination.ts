/** Where in the guest each source goes: the rules of `Out Path`. */
import type { Session } from '../protocol/index.ts';
import { asFolder, endsWithSeparator, parentFolder } from './guestPath.ts';
import { TransferError } from './transferError.ts';

export interface Destination {
  /** Sources go into this directory under their own names; otherwise to exactly this path. */
  kind: 'directory' | 'exact' | 'device';
  path: string;
  /** The folder that the sources go into, as it was written, with a separator at its end; a device is in none. */
  folder: string | undefined;
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
  if (type === 'directory') {
    const folder = asFolder(outPath, session);
    return { kind: 'directory', path: found.get('path') || outPath, folder };
  }
  if (wantsDirectory) {
    const code = type === 'none' ? 'no-directory' : 'not-a-directory';
    throw new TransferError(code, `${outPath} is not a directory in the guest`, outPath);
  }
  return type === 'device'
    ? { kind: 'device', path: outPath, folder: undefined }
    : { kind: 'exact', path: outPath, folder: parentFolder(outPath, session) };
}
