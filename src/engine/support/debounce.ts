/**
 * Calls once for a burst: at the latest `delayMs` after its first call, so that a stream of events without a pause is
 * shown too.
 */
export function debounce(action: () => void, delayMs: number): { (): void; cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  const trigger = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      action();
    }, delayMs);
  };
  const cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return Object.assign(trigger, { cancel });
}
