// The choice whether to compress, with a line and a compressor that are as fast as the test says.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { CompressionPolicy } from '../../../src/transfer/compressionPolicy.ts';

const PIECE_BYTES = 256 * 1_024;
const TEXT = Buffer.from('words that come again '.repeat(PIECE_BYTES / 22));
const RANDOM = randomBytes(PIECE_BYTES);

interface Speeds {
  /** Bytes per second of the file, one way and the other, and of the compressor alone. */
  plain: number;
  encoded: number;
  codec: number;
}

let nowMs = 0;

/** Sends that many pieces; returns which of them were compressed. */
function send(policy: CompressionPolicy, pieces: number, speeds: Speeds, data: Buffer = TEXT): boolean[] {
  return Array.from({ length: pieces }, () => {
    const effort = policy.effortFor(data);
    const isEncoded = effort !== undefined;
    if (isEncoded) policy.onEncoded(data.length, effort, (1_000 * data.length) / speeds.codec);
    nowMs += (1_000 * data.length) / (isEncoded ? speeds.encoded : speeds.plain);
    policy.onAcknowledged(data.length, isEncoded ? 'encoded' : 'plain', speeds, nowMs);
    return isEncoded;
  });
}

const count = (pieces: boolean[]) => pieces.filter(Boolean).length;

describe('compression policy', () => {
  it('compresses as hard as it can on a slow line', () => {
    for (const device of ['uart', 'pty', 'other'])
      assert.equal(new CompressionPolicy('auto', device).effortFor(TEXT), 9);
  });

  it('turns to compression where that proves faster, and stays with it', () => {
    const policy = new CompressionPolicy('auto', 'console');
    const speeds = { plain: 14e6, encoded: 30e6, codec: 60e6 };
    assert.ok(count(send(policy, 1_000, speeds)) > 900);
    assert.ok(count(send(policy, 1_000, speeds)) > 950);
  });

  it('is as thorough as the line gives it time to be', () => {
    for (const [plain, effort] of [
      [2e6, 6],
      [14e6, 1],
    ] as const) {
      const policy = new CompressionPolicy('auto', 'console');
      send(policy, 100, { plain, encoded: 2 * plain, codec: 25e6 });
      assert.equal(policy.effortFor(TEXT), effort, `${plain}`);
    }
  });

  it('leaves it where it proves slower, at a cost of less than 3 percent', () => {
    const policy = new CompressionPolicy('auto', 'console');
    const speeds = { plain: 14e6, encoded: 10e6, codec: 60e6 };
    const encoded = count(send(policy, 1_000, speeds));
    assert.ok(encoded > 0, 'was never tried');
    const time = (1_000 - encoded) / speeds.plain + encoded / speeds.encoded;
    assert.ok(time < (1.03 * 1_000) / speeds.plain, `${encoded} pieces`);
  });

  it('comes back to the other way when the line has changed', () => {
    const policy = new CompressionPolicy('auto', 'console');
    send(policy, 500, { plain: 14e6, encoded: 10e6, codec: 60e6 });
    const later = send(policy, 3_000, { plain: 5e6, encoded: 10e6, codec: 60e6 });
    assert.ok(count(later.slice(-500)) > 450, `${count(later)}`);
  });

  it('does not even try on a line as fast as the compressor', () => {
    const policy = new CompressionPolicy('auto', 'channel');
    assert.equal(count(send(policy, 500, { plain: 300e6, encoded: 900e6, codec: 60e6 })), 0);
  });

  it('does not bother with data that is compressed already, but notices when it ends', () => {
    const policy = new CompressionPolicy('auto', 'console');
    const speeds = { plain: 14e6, encoded: 30e6, codec: 60e6 };
    send(policy, 100, speeds);
    assert.equal(count(send(policy, 300, speeds, RANDOM)), 0);
    assert.ok(count(send(policy, 100, speeds)) > 60);
  });

  it('does what it is told', () => {
    assert.equal(new CompressionPolicy('off', 'uart').effortFor(TEXT), undefined);
    assert.equal(
      count(send(new CompressionPolicy('on', 'channel'), 50, { plain: 300e6, encoded: 9e6, codec: 9e6 })),
      50,
    );
  });
});
