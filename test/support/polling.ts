import { setTimeout as delay } from 'node:timers/promises';

// Real ones, also where a test has put the clock in a mock's hands.
const realDelay = delay;
const now = performance.now.bind(performance);

/** Generous: where a state comes at all, it comes sooner, even with the processors busy elsewhere. */
const TIMEOUT_MS = 180_000;

export interface PollOptions {
  timeoutMs?: number;
  /** Between two looks: more where a look is costly. */
  intervalMs?: number;
}

/** Looks until `condition` gives something truthy, and gives that; throws after the time-out, naming `what`. */
export async function pollUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  options: PollOptions = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = TIMEOUT_MS } = options;
  const result = await poll(condition, { ...options, timeoutMs });
  if (!result) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
  return result;
}

/** Whether it comes true in time, for those who go on either way. */
export async function isSoon(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  return poll(condition, { timeoutMs });
}

async function poll<T>(
  condition: () => T | Promise<T>,
  { timeoutMs, intervalMs = 20 }: PollOptions & { timeoutMs: number },
): Promise<T> {
  const deadline = now() + timeoutMs;
  for (;;) {
    const result = await condition();
    if (result || now() > deadline) return result;
    await realDelay(intervalMs);
  }
}
