// When a file was written so lately that its times can't tell a further write, and that such a file is waited for.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { localDisk, type SourceSystem } from '../../../src/transfer/index.ts';
import { isSameVersion, unsettledMs } from '../../../src/transfer/sourceVersion.ts';
import { VersionedFile } from '../../../src/transfer/versionedFile.ts';
import { mockClock } from '../../support/mockClock.ts';

const NOW_MS = 1_700_000_000_123;
const at = (ms: number, ns = 456_789) => BigInt(ms) * 1_000_000n + BigInt(ns);
const written = (agoMs: number) => ({
  size: 1,
  mtimeMs: NOW_MS - agoMs,
  mtimeNs: at(NOW_MS - agoMs),
  ctimeNs: at(NOW_MS - agoMs),
});

describe('a file that was just written', () => {
  it('is waited for until the tick of the clock has passed', () => {
    assert.equal(unsettledMs(written(0), NOW_MS), 20);
    assert.equal(unsettledMs(written(15), NOW_MS), 5);
    assert.equal(unsettledMs(written(20), NOW_MS), 0);
    assert.equal(unsettledMs(written(1e9), NOW_MS), 0);
  });

  it('is waited for no longer, however far ahead its clock is', () => {
    assert.equal(unsettledMs(written(-1e9), NOW_MS), 20);
  });

  it('counts by the time that no program can set, where there is one', () => {
    const old = written(1e9);
    assert.equal(unsettledMs({ ...old, ctimeNs: at(NOW_MS) }, NOW_MS), 20);
    assert.equal(unsettledMs({ ...written(0), ctimeNs: old.ctimeNs }, NOW_MS), 0);
    assert.equal(unsettledMs({ size: 1, mtimeMs: NOW_MS - 5 }, NOW_MS), 15);
  });

  it('is waited for longer where both times are whole seconds', () => {
    const second = NOW_MS - (NOW_MS % 1_000);
    const coarse = { size: 1, mtimeMs: second, mtimeNs: at(second, 0), ctimeNs: at(second, 0) };
    assert.equal(unsettledMs(coarse, NOW_MS), 2_000 - 123);
    assert.equal(unsettledMs({ ...coarse, ctimeNs: at(second, 1) }, NOW_MS), 0);
    assert.equal(unsettledMs({ size: 1, mtimeMs: second }, NOW_MS), 2_000 - 123);
  });
});

describe('versions', () => {
  it('are told apart by size, mtime and ctime, as far as both have them', () => {
    const one = written(1_000);
    assert.ok(isSameVersion(one, { ...one }));
    assert.ok(isSameVersion(one, { size: 1, mtimeMs: one.mtimeMs }));
    assert.ok(!isSameVersion(one, { ...one, size: 2 }));
    assert.ok(!isSameVersion(one, { ...one, mtimeNs: one.mtimeNs + 1n }));
    assert.ok(!isSameVersion(one, { ...one, ctimeNs: one.ctimeNs + 1n }));
  });
});

describe('opening a source', () => {
  function diskOf(look: () => { size: number; mtimeMs: number; ctimeNs: bigint }) {
    const counts = { looks: 0, closed: 0 };
    const system: SourceSystem = {
      ...localDisk,
      open: async () => ({
        read: async () => 0,
        version: async () => {
          counts.looks += 1;
          return look();
        },
        rewind: async () => undefined,
        close: async () => {
          counts.closed += 1;
        },
      }),
    };
    return { counts, system };
  }

  const open = (system: SourceSystem, mtimeMs: number) =>
    VersionedFile.open(system, { source: 'f', info: { size: 1, mtimeMs }, isLookedAtAgain: false });

  it('takes no time where the file is older', async t => {
    mockClock(t);
    const mtimeMs = Date.now() - 100;
    const { counts, system } = diskOf(() => ({ size: 1, mtimeMs, ctimeNs: at(mtimeMs) }));
    await open(system, mtimeMs);
    assert.equal(counts.looks, 1);
  });

  it('looks again when the clock has moved on', async t => {
    const clock = mockClock(t);
    const mtimeMs = Date.now();
    const { counts, system } = diskOf(() => ({ size: 1, mtimeMs, ctimeNs: at(mtimeMs) }));
    const opening = open(system, mtimeMs);
    await clock.advance(10);
    assert.equal(counts.looks, 1);
    await clock.advance(20);
    await opening;
    assert.equal(counts.looks, 2);
  });

  it('waits once where the clock of the files is ahead', async t => {
    const clock = mockClock(t);
    const mtimeMs = Date.now() + 3_600_000;
    const { counts, system } = diskOf(() => ({ size: 1, mtimeMs, ctimeNs: at(mtimeMs) }));
    await clock.during(30, open(system, mtimeMs));
    assert.equal(counts.looks, 2);
  });

  it('goes on where somebody writes all the time', async t => {
    const clock = mockClock(t);
    const mtimeMs = Date.now();
    const { counts, system } = diskOf(() => ({ size: 1, mtimeMs, ctimeNs: at(Date.now()) }));
    await clock.during(200, open(system, mtimeMs));
    assert.equal(counts.looks, 4);
  });

  it('closes a file again that is not what it was', async () => {
    const { counts, system } = diskOf(() => ({ size: 2, mtimeMs: 1, ctimeNs: 1n }));
    await assert.rejects(open(system, 1), { code: 'source-changed' });
    assert.equal(counts.closed, 1);
  });
});
