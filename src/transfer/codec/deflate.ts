/** A put's raw DEFLATE stream (RFC 1951), PROTOCOL.md §6: what every receiver can decode. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { Codec, Encoder } from './codec.ts';

/** What DEFLATE can refer back to. */
const HISTORY_BYTES = 32_768;
const deflate = promisify(zlib.deflateRaw) as (
  bytes: Buffer,
  options: import('node:zlib').ZlibOptions,
) => Promise<Buffer>;

/**
 * One raw DEFLATE stream, made piece by piece in the thread pool. Each piece is a call of its own that is given what
 * came before as its dictionary: the same bytes as from one long stream, but a piece that turns out not worth sending
 * leaves no trace, and no native state has to be freed when a put breaks off.
 */
class DeflateEncoder implements Encoder {
  #history: Buffer | undefined;

  async encode(bytes: Buffer, level: number): Promise<Buffer | undefined> {
    const encoded = await deflate(bytes, {
      level,
      memLevel: 9,
      // An empty stored block instead of a last one: the stream goes on.
      finishFlush: zlib.constants.Z_SYNC_FLUSH,
      chunkSize: Math.max(1_024, bytes.length),
      ...(this.#history && { dictionary: this.#history }),
    });
    if (encoded.length >= bytes.length) return undefined;
    this.#remember(bytes);
    return encoded;
  }

  close(): void {}

  #remember(bytes: Buffer): void {
    const before = this.#history?.subarray(Math.max(0, this.#history.length + bytes.length - HISTORY_BYTES));
    this.#history = Buffer.concat([before ?? Buffer.alloc(0), bytes.subarray(-HISTORY_BYTES)]);
  }
}

export const deflateCodec: Codec = {
  name: 'deflate',
  levels: {
    fast: [
      { level: 1, bytesPerSecond: 60e6 },
      { level: 6, bytesPerSecond: 20e6 },
    ],
    slow: [{ level: 9, bytesPerSecond: 8e6 }],
  },
  takesBack: true,
  newEncoder: () => new DeflateEncoder(),
};
