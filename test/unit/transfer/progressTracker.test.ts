import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ProgressTracker } from '../../../src/transfer/progressTracker.ts';
import type { CopyProgress } from '../../../src/transfer/types.ts';
import { mockClock } from '../../support/mockClock.ts';

function tracking(t: TestContext) {
  const clock = mockClock(t);
  const link = { wireBytes: 0 };
  const seen: CopyProgress[] = [];
  const tracker = new ProgressTracker(link, progress => seen.push(progress));
  tracker.bytesTotal = 4_000_000;
  tracker.counted = true;
  tracker.start();
  return { clock, link, seen, tracker };
}

describe('progress of a copy', () => {
  it('never reports a negative rate when a file is taken back', async t => {
    const { clock, seen, tracker } = tracking(t);
    tracker.addBytes(500_000);
    await clock.advance(1_000);
    tracker.resume(1_000_000);
    tracker.addBytes(500_000);
    await clock.advance(1_000);
    tracker.takeBack(1_000_000);
    tracker.resume(-1_000_000);
    await clock.advance(1_000);
    tracker.stop();
    assert.equal(seen.at(-1)?.bytesDone, 0);
    assert.equal(tracker.resumedBytes, 0);
    for (const { bytesPerSecond } of seen) assert.ok(bytesPerSecond >= 0, `${bytesPerSecond} bytes/s`);
    assert.ok((seen.at(-1)?.bytesPerSecond ?? 0) > 0, 'what was sent for nothing was sent');
  });

  it('has no rate until there is a span of time to measure', async t => {
    const { clock, seen, tracker } = tracking(t);
    await clock.advance(10);
    tracker.addBytes(1_000_000);
    tracker.stop();
    assert.equal(seen.at(-1)?.bytesPerSecond, 0);
    assert.equal(seen.at(-1)?.etaSeconds, undefined);
  });
});
