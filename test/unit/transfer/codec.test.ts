// The streams of PROTOCOL.md §6 as the encoders make them, decoded by Node.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { constants, inflateRawSync } from 'node:zlib';
import { chooseCodec } from '../../../src/transfer/codec/chooseCodec.ts';
import type { Codec, Encoder } from '../../../src/transfer/codec/codec.ts';
import { ZstdEncoder } from '../../../src/transfer/codec/zstd.ts';
import { sourceText } from '../../bench/sourceText.ts';
import { unzstd } from '../protocol/fakePut.ts';

const PIECE_BYTES = 65_408;
const text = sourceText(6 * PIECE_BYTES + 100);
const pieces = Array.from({ length: 7 }, (_, index) =>
  text.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
);
const deflate = chooseCodec(new Set(['deflate'])) as Codec;
const zstd = chooseCodec(new Set(['deflate', 'zstd'])) as Codec;
const inflate = (stream: Buffer) => inflateRawSync(stream, { finishFlush: constants.Z_SYNC_FLUSH });

/** A frame's window, RFC 8878, 3.1.1.1.2. */
function windowBytes(frame: Buffer): number {
  assert.equal(frame.readUInt32LE(), 0xfd2fb528);
  assert.equal(frame[4], 0, 'a frame with a content size, a checksum or a dictionary');
  const descriptor = frame[5] ?? 0;
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

describe('codec', () => {
  it('is the best that both sides have', () => {
    assert.equal(zstd.name, 'zstd');
    assert.equal(deflate.name, 'deflate');
    assert.equal(chooseCodec(new Set(['resume'])), undefined);
  });

  for (const { codec, decode } of [
    { codec: deflate, decode: inflate },
    { codec: zstd, decode: unzstd },
  ])
    it(`${codec.name}: every piece can be decoded when its last byte is there, at every level`, async () => {
      for (const { level } of [...codec.levels.fast, ...codec.levels.slow]) {
        const encoder = codec.newEncoder(text.length);
        let stream = Buffer.alloc(0);
        let decoded = 0;
        for (const piece of pieces) {
          stream = Buffer.concat([stream, (await encoder.encode(piece, level)) ?? assert.fail()]);
          decoded += piece.length;
          assert.ok(decode(stream).equals(text.subarray(0, decoded)), `level ${level}`);
        }
        encoder.close();
      }
    });

  it('deflate: a piece that does not get smaller leaves no trace', async () => {
    const encoder = deflate.newEncoder();
    const [first = text, second = text] = pieces;
    const parts = [first, randomBytes(PIECE_BYTES), second];
    const encoded = await all(encoder, parts, 9);
    assert.equal(encoded[1], undefined);
    assert.deepEqual(
      inflate(Buffer.concat(encoded.filter(part => part !== undefined))),
      Buffer.concat([first, second]),
    );
  });

  describe('zstd', () => {
    it('makes source text a tenth smaller than the best of DEFLATE, or more', async () => {
      const lengths: number[] = [];
      for (const { codec, level } of [
        { codec: deflate, level: 9 },
        { codec: zstd, level: 19 },
      ]) {
        const encoder = codec.newEncoder(text.length);
        lengths.push(Buffer.concat((await all(encoder, pieces, level)) as Buffer[]).length);
        encoder.close();
      }
      const [small = 0, smaller = 0] = lengths;
      assert.ok(smaller < 0.9 * small, `${lengths}`);
    });

    it('changes the level in the middle of a put', async () => {
      const encoder = new ZstdEncoder(text.length);
      const encoded: Buffer[] = [];
      for (const [index, level] of [19, 19, 3, 9, 9, 19, 1].entries())
        encoded.push(await encoder.encode(pieces[index] ?? assert.fail(), level));
      encoder.close();
      assert.ok(unzstd(Buffer.concat(encoded)).equals(text));
    });

    it('costs next to nothing where the data does not compress', async () => {
      const content = randomBytes(PIECE_BYTES);
      const encoder = new ZstdEncoder(1e9);
      const encoded = await encoder.encode(content, 19);
      encoder.close();
      assert.ok(encoded.length < content.length + 20, `${encoded.length}`);
    });

    it('takes a window no larger than the file, and never more than 2 MiB', async () => {
      for (const [size, expected] of [
        [0, 1_024],
        [100_000, 131_072],
        [131_072, 131_072],
        [1e12, 2_097_152],
        [undefined, 2_097_152],
      ] as const) {
        const encoder = new ZstdEncoder(size);
        assert.equal(windowBytes(await encoder.encode(Buffer.from('x'), 19)), expected, `${size}`);
        encoder.close();
      }
    });

    it('is undisturbed by an end in the middle, and by a second one', async () => {
      const encoder = new ZstdEncoder(1e6);
      const encoding = encoder.encode(text, 19);
      encoder.close();
      await assert.rejects(encoding);
      encoder.close();
      assert.ok(unzstd(await encoder.encode(text, 3)).equals(text));
      encoder.close();
    });
  });
});

async function all(encoder: Encoder, parts: Buffer[], level: number): Promise<Array<Buffer | undefined>> {
  const encoded: Array<Buffer | undefined> = [];
  for (const part of parts) encoded.push(await encoder.encode(part, level));
  return encoded;
}
