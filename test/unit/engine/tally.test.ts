import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasFailed, tally } from '../../../src/engine/transfers/tally.ts';
import { copied } from '../ui/samples.ts';

const identical = { ...copied, bytes: 0, skipped: true };
const kept = { ...identical, sha256: null, verified: false };
const unchanged = { ...kept, unchanged: true as const };
const unverified = { ...copied, verified: false };
const broken = { ...kept, skipped: false, error: { code: 'no-space', message: 'x' } };

describe('tally of a copy', () => {
  it('counts each file once as verified, unchanged, skipped or failed', () => {
    const files = [copied, identical, kept, unchanged, unverified, broken];
    const { verified, identical: there, skipped, unchanged: same, failed, files: all } = tally(files);
    assert.deepEqual(
      { all, verified, there, skipped, same, failed },
      {
        ...{ all: 6, verified: 2, there: 1, skipped: 1, same: 1, failed: 2 },
      },
    );
    assert.equal(verified + same + skipped + failed, all);
  });

  it('never counts a file that has an error as good', () => {
    const contradictory = { ...copied, error: broken.error };
    assert.ok(hasFailed(contradictory));
    assert.equal(tally([contradictory]).verified, 0);
  });
});
