import type { PutStream, Session } from '../protocol/index.ts';
import { abortable } from '../text/abort.ts';

/**
 * Opens a put, or another request that DATA follows; one that comes about after the signal is closed again.
 *
 * @param keep - then leaves what an earlier one has brought
 */
export function openPut(
  session: Session,
  signal: AbortSignal | undefined,
  keep: boolean,
  ...request: Parameters<Session['put']>
): Promise<PutStream> {
  const opening = session.put(...request);
  return abortable(opening, signal).catch(error => {
    opening.then(put => put.cancel(keep)).catch(() => undefined);
    throw error;
  });
}
