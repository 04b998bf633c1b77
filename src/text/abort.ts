/**
 * Cancellation as the platform has it: whatever the caller's AbortSignal cuts short rejects with a DOMException named
 * AbortError, in every layer. Callers who cancelled have nothing to show for it, so there is no code to tell apart.
 */

export function abortError(): DOMException {
  return new DOMException('The operation was cancelled.', 'AbortError');
}

/** Also true for the errors of Node's own functions, such as `timers/promises`: they share nothing but the name. */
export function isAborted(error: unknown): error is Error {
  return error instanceof Error && error.name === 'AbortError';
}

/** Not the signal's own `throwIfAborted`, which throws whatever `reason` the caller gave. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError();
}

/** The promise's outcome, or an AbortError as soon as the signal fires. Leaves no listener behind. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  throwIfAborted(signal);
  if (!signal) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(abortError());
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
