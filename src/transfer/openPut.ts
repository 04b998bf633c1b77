import type { PutStream, Session } from '../protocol/index.ts';
import { abortable } from '../text/abort.ts';

/** Opens a put, or another request that DATA follows; one that comes about after the signal is closed again. */
export function openPut(
  session: Session,
  signal: AbortSignal | undefined,
  ...request: Parameters<Session['put']>
): Promise<PutStream> {
  const opening = session.put(...request);
  return abortable(opening, signal).catch(error => {
    opening.then(put => put.cancel()).catch(() => undefined);
    throw error;
  });
}
