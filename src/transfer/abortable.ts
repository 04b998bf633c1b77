/** Waiting that the caller's AbortSignal cuts short, with one cancellation error everywhere. */
import { ProtocolError } from '../protocol/errors.ts';

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}

/** The promise's outcome, or ProtocolError `aborted` as soon as the signal fires. Leaves no listener behind. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  throwIfAborted(signal);
  if (!signal) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(cancelled());
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function cancelled(): ProtocolError {
  return new ProtocolError('aborted', 'the copy was cancelled');
}
