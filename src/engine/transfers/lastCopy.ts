import type { CopyResult } from '../../transfer/index.ts';
import { targetKey } from '../guest/target.ts';
import type { CopyMemory, CopyPlace } from './copyMemory.ts';
import { isFinished, type Transfer } from './transfer.ts';
import type { TransferList } from './transferList.ts';

/**
 * Remembers where the user's copies went, also those that succeeded at a retry.
 *
 * @returns how to stop
 */
export function rememberCopies(transfers: TransferList, memory: CopyMemory): () => void {
  return transfers.changes.on(({ id, kind }) => {
    const transfer = id !== undefined && kind === 'state' ? transfers.get(id) : undefined;
    const place = transfer && reached(transfer);
    const at = transfer?.request.chosenAt;
    if (place && at !== undefined) void memory.remember(at, place);
  });
}

/**
 * Where the user's last copy went, or is going: a long one isn't over when the next file is to follow it.
 *
 * @returns undefined if there's none, or if nobody knows yet whether its destination is a folder
 */
export function lastPlaces(
  { last }: Pick<CopyMemory, 'last'>,
  transfers: readonly Transfer[],
): readonly CopyPlace[] | undefined {
  const unfinished = transfers.filter(({ state }) => !isFinished(state));
  const latest = Math.max(last?.at ?? 0, ...unfinished.map(({ request }) => request.chosenAt ?? 0));
  const going = unfinished.filter(({ request }) => request.chosenAt === latest);
  const keys = going.map(({ request }) => targetKey(request.target));
  const done =
    last?.at === latest ? last.places.filter(({ target }) => !keys.includes(targetKey(target))) : [];
  if (done.length + going.length === 0) return undefined;
  if (!going.every(({ request }) => isSurelyFolder(request.destination))) return undefined;
  return [...done, ...going.map(({ request: { target, destination } }) => ({ target, folder: destination }))];
}

/** Undefined where nothing of it is: it failed or was cancelled, everything was skipped, or a device took it. */
function reached({ request: { target }, result }: Transfer): CopyPlace | undefined {
  if (!result || result.folder === undefined || !hasPutSomething(result)) return undefined;
  return { target, folder: result.folder };
}

/** A copied folder without files has no result. */
function hasPutSomething({ files }: CopyResult): boolean {
  return files.length === 0 || files.some(({ verified, unchanged }) => verified || unchanged);
}

/** Whatever the guest's system: for Linux a backslash at the end is part of a name. */
function isSurelyFolder(destination: string): boolean {
  return destination.endsWith('/') || /^([a-z]:|\\\\|[.~]).*\\$/i.test(destination);
}
