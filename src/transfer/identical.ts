/** Whether a file need not be sent at all, by its content rather than its size and mtime. */
import { isRemoteError, type Session } from '../protocol/index.ts';
import type { SourceHash } from './sourceStreams.ts';

/** What the source's hash is if the guest has exactly this content under this path already. */
export async function holdsSameContent(
  session: Session,
  path: string,
  size: number,
  localHash: () => Promise<SourceHash>,
): Promise<SourceHash | undefined> {
  try {
    const found = await session.request('stat', { path, hash: 'sha256', follow: 0 });
    if (found.get('type') !== 'file' || found.get('size') !== String(size)) return undefined;
    const local = await localHash();
    return found.get('sha256') === local.sha256 ? local : undefined;
  } catch (error) {
    // Not being allowed to read what is there is no reason to fail: it just stays a conflict.
    if (isRemoteError(error)) return undefined;
    throw error;
  }
}
