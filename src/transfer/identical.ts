/** Whether a file need not be sent at all, by its content rather than its size and mtime, and what it lacks then. */
import { isRemoteError, type Reply, type Session } from '../protocol/index.ts';
import { executeField, isSameTime, mtimeField } from './attributes.ts';
import type { WirePolicy } from './conflictResolver.ts';
import { type FileOutcome, identicalOutcome } from './fileOutcome.ts';
import { notesOf, withNotes } from './notes.ts';
import type { SourceHash } from './sourceStreams.ts';
import type { SourceInfo } from './sourceSystem.ts';

interface Known {
  readonly session: Session;
  /** In the guest. */
  readonly path: string;
  readonly info: SourceInfo;
  readonly policy: WirePolicy;
}

/** The outcome if the guest has exactly this content under this path already. */
export async function compareContent(
  known: Known,
  localHash: () => Promise<SourceHash>,
): Promise<FileOutcome | undefined> {
  const { session, path, info } = known;
  const found = await statOf(session, path);
  if (found?.get('type') !== 'file' || found.get('size') !== String(info.size)) return undefined;
  const local = await localHash();
  if (found.get('sha256') !== local.sha256) return undefined;
  // The time of a source that has grown since isn't that of these bytes.
  const notes = await bringUpToDate(known, found.get('mode'), local.changed ? undefined : found.get('mtime'));
  return { ...identicalOutcome(local, path), ...notes };
}

/**
 * Adds the source's execute bits to those of a file with the same content, and gives it the source's time, so that next
 * time size and time say that it is the same.
 *
 * @param mtime - of what is there; undefined if it is the source's
 */
export async function bringUpToDate(
  { session, path, info, policy }: Known,
  mode: string | undefined,
  mtime: string | undefined,
): Promise<{ notes?: readonly string[] }> {
  // These leave what is there alone.
  if (policy === 'skip' || policy === 'newer') return {};
  const execute = executeField(info, mode);
  const newTime = mtime === undefined || isSameTime(info, mtime) ? undefined : mtimeField(info);
  if (execute === undefined && newTime === undefined) return {};
  try {
    return notesOf(await session.request('attributes', { path, execute, mtime: newTime, refused: 'note' }));
  } catch (error) {
    // The content is the same whatever else it lacks.
    if (isRemoteError(error)) return withNotes([...(execute ? ['mode'] : []), ...(newTime ? ['times'] : [])]);
    throw error;
  }
}

async function statOf(session: Session, path: string): Promise<Reply | undefined> {
  try {
    return await session.request('stat', { path, hash: 'sha256', follow: 0 });
  } catch (error) {
    // Not being allowed to read what is there is no reason to fail: it just stays a conflict.
    if (isRemoteError(error)) return undefined;
    throw error;
  }
}
