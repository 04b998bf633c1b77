import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LanePolicy } from '../../../src/protocol/lanePolicy.ts';

const STEP_MS = 100;

/** Lets a fake clock run over lanes that carry so many bytes a second. @returns how long they were wide, ms */
function run(policy: LanePolicy, rates: { narrow: number; wide: number }, forMs: number, from = 0): number {
  let wideMs = 0;
  for (let now = from; now < from + forMs; now += STEP_MS) {
    const rate = policy.isWide ? rates.wide : rates.narrow;
    if (policy.isWide) wideMs += STEP_MS;
    policy.observe((rate * STEP_MS) / 1_000, now);
    policy.isBacklogged = true;
  }
  return wideMs;
}

describe('LanePolicy', () => {
  it('keeps all lanes where they are faster', () => {
    const policy = new LanePolicy('auto');
    run(policy, { narrow: 36_000, wide: 44_000 }, 20_000);
    assert.ok(policy.isWide);
  });

  it('leaves off what is no faster, or hardly', () => {
    for (const wide of [20_000, 36_000, 37_000]) {
      const policy = new LanePolicy('auto');
      const wideMs = run(policy, { narrow: 36_000, wide }, 20_000);
      assert.equal(policy.isWide, false, `${wide} bytes/s`);
      assert.ok(wideMs > 0 && wideMs < 5_000, `tried for ${wideMs} ms`);
    }
  });

  it('tries again, ever more rarely, and notices that the guest has changed', () => {
    const policy = new LanePolicy('auto');
    run(policy, { narrow: 36_000, wide: 20_000 }, 20_000);
    const wideMs = run(policy, { narrow: 36_000, wide: 20_000 }, 600_000, 20_000);
    assert.ok(wideMs > 5_000 && wideMs < 20_000, `wide for ${wideMs} ms of ten minutes`);
    run(policy, { narrow: 36_000, wide: 50_000 }, 600_000, 620_000);
    assert.ok(policy.isWide);
  });

  it('believes nothing of times when there was nothing to send', () => {
    const policy = new LanePolicy('auto');
    for (let now = 0; now < 60_000; now += STEP_MS) {
      policy.observe(10, now);
      policy.isBacklogged = false;
    }
    assert.equal(policy.isWide, false);
  });

  it('takes them all when told to', () => {
    const policy = new LanePolicy('on');
    run(policy, { narrow: 36_000, wide: 1_000 }, 20_000);
    assert.ok(policy.isWide);
  });
});
