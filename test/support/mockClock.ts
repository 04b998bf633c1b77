// A clock for unit tests that stands still until a test moves it: timers of all kinds, `performance.now` and `Date`.
import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

/** How far it moves at a time, so that what one timer starts comes before what a later one does. */
const STEP_MS = 10;
const MAX_STEPS = 100;
const settleTurns = 20;
const realSetImmediate = setImmediate;

export interface MockClock {
  /** Lets so much time pass, and all that it sets off happen. */
  advance(ms: number): Promise<void>;
  /** What the promise comes to while so much time passes. */
  during<T>(ms: number, promise: Promise<T>): Promise<T>;
}

/** Until the end of the test. */
export function mockClock(t: TestContext): MockClock {
  const start = performance.now();
  let passedMs = 0;
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.now() });
  t.mock.method(performance, 'now', () => start + passedMs);
  // `import { setTimeout } from 'node:timers/promises'` sees the mock only after this, and the real one only after that.
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.timers.reset();
    syncBuiltinESMExports();
  });
  const advance = async (ms: number): Promise<void> => {
    await settle();
    const stepMs = Math.max(STEP_MS, Math.ceil(ms / MAX_STEPS));
    for (let left = ms; left > 0; left -= stepMs) {
      const step = Math.min(left, stepMs);
      passedMs += step;
      t.mock.timers.tick(step);
      await settle();
    }
  };
  const during = async <T>(ms: number, promise: Promise<T>): Promise<T> => {
    promise.catch(() => undefined); // it is the caller's, who hears of it later
    await advance(ms);
    return promise;
  };
  return { advance, during };
}

/** Lets promises and the event loop do what is due now. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < settleTurns; turn += 1) await new Promise(realSetImmediate);
}
