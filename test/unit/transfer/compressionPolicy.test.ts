// The choice whether to compress, with a line and a compressor that are as fast as the test says.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { FeatureMode } from '../../../src/text/featureMode.ts';
import { chooseCodec } from '../../../src/transfer/codec/chooseCodec.ts';
import type { Codec } from '../../../src/transfer/codec/codec.ts';
import { CompressionPolicy } from '../../../src/transfer/compressionPolicy.ts';

const PIECE_BYTES = 256 * 1_024;
const TEXT = Buffer.from('words that come again '.repeat(PIECE_BYTES / 22));
const RANDOM = randomBytes(PIECE_BYTES);
const deflate = chooseCodec(new Set(['deflate'])) as Codec;
const zstd = chooseCodec(new Set(['deflate', 'zstd'])) as Codec;

interface Speeds {
  /** Bytes per second of the file, one way and the other, and of the compressor alone. */
  plain: number;
  encoded: number;
  codec: number | ((level: number) => number);
}

const policyFor = (mode: FeatureMode, device: string, codec = deflate) =>
  new CompressionPolicy(mode, device, codec);

let nowMs = 0;

/** Sends that many pieces; returns which of them were compressed. */
function send(policy: CompressionPolicy, pieces: number, speeds: Speeds, data: Buffer = TEXT): boolean[] {
  return Array.from({ length: pieces }, () => {
    const level = policy.levelFor(data);
    const isEncoded = level !== undefined;
    const codecRate = typeof speeds.codec === 'number' ? speeds.codec : speeds.codec(level ?? 0);
    if (isEncoded) policy.onEncoded(data.length, level, (1_000 * data.length) / codecRate);
    // Whichever is slower is what a piece waits for.
    nowMs += (1_000 * data.length) / (isEncoded ? Math.min(speeds.encoded, codecRate) : speeds.plain);
    policy.onAcknowledged(data.length, isEncoded ? 'encoded' : 'plain', speeds, nowMs);
    return isEncoded;
  });
}

const count = (pieces: boolean[]) => pieces.filter(Boolean).length;

describe('compression policy', () => {
  it('compresses as hard as it can on a slow line', () => {
    for (const device of ['uart', 'pty', 'other']) assert.equal(policyFor('auto', device).levelFor(TEXT), 9);
  });

  it('turns to compression where that proves faster, and stays with it', () => {
    const policy = policyFor('auto', 'console');
    const speeds = { plain: 14e6, encoded: 30e6, codec: 60e6 };
    assert.ok(count(send(policy, 1_000, speeds)) > 900);
    assert.ok(count(send(policy, 1_000, speeds)) > 950);
  });

  it('is as thorough as the line gives it time to be', () => {
    for (const [plain, level] of [
      [2e6, 6],
      [14e6, 1],
    ] as const) {
      const policy = policyFor('auto', 'console');
      send(policy, 100, { plain, encoded: 2 * plain, codec: 25e6 });
      assert.equal(policy.levelFor(TEXT), level, `${plain}`);
    }
  });

  it('leaves it where it proves slower, at a cost of less than 3 percent', () => {
    const policy = policyFor('auto', 'console');
    const speeds = { plain: 14e6, encoded: 10e6, codec: 60e6 };
    const encoded = count(send(policy, 1_000, speeds));
    assert.ok(encoded > 0, 'was never tried');
    const time = (1_000 - encoded) / speeds.plain + encoded / speeds.encoded;
    assert.ok(time < (1.03 * 1_000) / speeds.plain, `${encoded} pieces`);
  });

  it('comes back to the other way when the line has changed', () => {
    const policy = policyFor('auto', 'console');
    send(policy, 500, { plain: 14e6, encoded: 10e6, codec: 60e6 });
    const later = send(policy, 3_000, { plain: 5e6, encoded: 10e6, codec: 60e6 });
    assert.ok(count(later.slice(-500)) > 450, `${count(later)}`);
  });

  it('does not even try on a line as fast as the compressor', () => {
    const policy = policyFor('auto', 'channel');
    assert.equal(count(send(policy, 500, { plain: 300e6, encoded: 900e6, codec: 60e6 })), 0);
  });

  it('does not bother with data that is compressed already, but notices when it ends', () => {
    const policy = policyFor('auto', 'console');
    const speeds = { plain: 14e6, encoded: 30e6, codec: 60e6 };
    send(policy, 100, speeds);
    assert.equal(count(send(policy, 300, speeds, RANDOM)), 0);
    assert.ok(count(send(policy, 100, speeds)) > 60);
  });

  describe('zstd on a slow line', () => {
    const LINE = { plain: 0.2e6, encoded: 0.9e6 };

    it('is as small as it can be', () => {
      const policy = policyFor('auto', 'uart', zstd);
      assert.equal(policy.levelFor(TEXT), 19);
      // A slow machine, but the line has not yet been measured.
      for (let piece = 0; piece < 20; piece += 1) policy.onEncoded(PIECE_BYTES, 19, 1_000);
      assert.equal(policy.levelFor(TEXT), 19);
      const other = policyFor('auto', 'uart', zstd);
      send(other, 300, { ...LINE, codec: 2e6 });
      assert.equal(other.levelFor(TEXT), 19);
      send(policy, 300, { ...LINE, codec: 2e6 });
      assert.equal(policy.levelFor(TEXT), 19);
    });

    it('is quicker where the compressor does not keep up, and no quicker than that', () => {
      const policy = policyFor('auto', 'uart', zstd);
      const rates: Record<number, number> = { 19: 0.4e6, 16: 0.8e6, 13: 3e6, 9: 20e6 };
      send(policy, 60, { ...LINE, codec: level => rates[level] ?? 40e6 });
      assert.equal(policy.levelFor(TEXT), 13);
    });

    it('learns nothing from small files, whose cost is that of beginning', () => {
      const policy = policyFor('auto', 'uart', zstd);
      send(policy, 50, { ...LINE, codec: 0.1e6 }, TEXT.subarray(0, 2_000));
      assert.equal(policy.levelFor(TEXT), 19);
    });

    it('comes back when the machine has time again', () => {
      const policy = policyFor('auto', 'uart', zstd);
      send(policy, 100, { ...LINE, codec: level => (level > 9 ? 0.3e6 : 20e6) });
      assert.equal(policy.levelFor(TEXT), 9);
      send(policy, 300, { ...LINE, codec: 2e6 });
      assert.equal(policy.levelFor(TEXT), 19);
    });

    it('spends nothing on data that is compressed already, and notices at once when it ends', () => {
      const policy = policyFor('auto', 'uart', zstd);
      const speeds = { ...LINE, codec: 2e6 };
      assert.equal(count(send(policy, 50, speeds, RANDOM)), 0);
      assert.equal(count(send(policy, 50, speeds)), 50);
      assert.equal(count(send(policyFor('on', 'uart', zstd), 10, speeds, RANDOM)), 10);
    });
  });

  it('chooses a quick level of zstd for a console, and none for a channel', () => {
    const policy = policyFor('auto', 'console', zstd);
    send(policy, 100, { plain: 14e6, encoded: 40e6, codec: level => 150e6 / level });
    assert.equal(policy.levelFor(TEXT), 1);
    const channel = policyFor('auto', 'channel', zstd);
    assert.equal(count(send(channel, 500, { plain: 300e6, encoded: 900e6, codec: 150e6 })), 0);
  });

  it('leaves zstd too where the guest makes it slower, at a cost of less than 3 percent', () => {
    const policy = policyFor('auto', 'console', zstd);
    const speeds = { plain: 14e6, encoded: 10e6, codec: 100e6 };
    const encoded = count(send(policy, 1_000, speeds));
    assert.ok(encoded > 0, 'was never tried');
    const time = (1_000 - encoded) / speeds.plain + encoded / speeds.encoded;
    assert.ok(time < (1.03 * 1_000) / speeds.plain, `${encoded} pieces`);
  });

  it('does what it is told', () => {
    assert.equal(policyFor('off', 'uart').levelFor(TEXT), undefined);
    assert.equal(count(send(policyFor('on', 'channel'), 50, { plain: 300e6, encoded: 9e6, codec: 9e6 })), 50);
  });
});
