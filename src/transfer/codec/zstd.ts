/**
 * A put's zstd stream, PROTOCOL.md §6. Unlike DEFLATE's few kilobytes of history, megabytes of it must not be handed over
 * anew with each piece, so this keeps a native stream that flushes behind each write.
 */
// The whole module: zstd is not in every Node that can run this, and an import by name would then fail.
import zlib from 'node:zlib';
import type { Codec, Encoder } from './codec.ts';

/** 2 MiB: twice as much would make source text 0.5 percent smaller, for twice the memory on both sides. */
const MAX_WINDOW_LOG = 21;
/** The least that zstd takes. */
const MIN_WINDOW_LOG = 10;
/** From here on zstd's own tables are meant for any size: tens of megabytes to fill before the first byte comes. */
const LARGE_TABLE_LEVEL = 9;
/** More than any piece makes: what is encoded is taken out once it is whole, and must not wait for that. */
const transformOptions = { highWaterMark: 4 << 20 };
const CHUNK_BYTES = 64 * 1_024;
/** Ends a frame that was flushed: an empty raw block with the bit for the last (RFC 8878, 3.1.1.2). */
const LAST_BLOCK = Buffer.from([1, 0, 0]);

export class ZstdEncoder implements Encoder {
  /** Node has it from 22.15 and 23.8 on. */
  static readonly isAvailable = typeof zlib.createZstdCompress === 'function';

  readonly #windowLog: number;
  #stream: import('node:zlib').ZstdCompress | undefined;
  #level = 0;

  constructor(size = Number.POSITIVE_INFINITY) {
    const needed = Math.ceil(Math.log2(Math.max(size, 1)));
    this.#windowLog = Math.min(Math.max(needed, MIN_WINDOW_LOG), MAX_WINDOW_LOG);
  }

  /** A level holds for a frame of zstd: for another one the frame is ended, and with it what can be referred to. */
  async encode(bytes: Buffer, level: number): Promise<Buffer> {
    const isChange = this.#stream !== undefined && level !== this.#level;
    if (isChange) this.close();
    this.#stream ??= this.#open(level);
    const piece = await write(this.#stream, bytes);
    return isChange ? Buffer.concat([LAST_BLOCK, piece]) : piece;
  }

  close(): void {
    this.#stream?.destroy();
    this.#stream = undefined;
  }

  #open(level: number): import('node:zlib').ZstdCompress {
    this.#level = level;
    const { constants } = zlib;
    const stream = zlib.createZstdCompress({
      flush: constants.ZSTD_e_flush,
      chunkSize: CHUNK_BYTES,
      ...transformOptions,
      params: {
        [constants.ZSTD_c_compressionLevel]: level,
        [constants.ZSTD_c_windowLog]: this.#windowLog,
        ...(level >= LARGE_TABLE_LEVEL && {
          [constants.ZSTD_c_hashLog]: this.#windowLog,
          [constants.ZSTD_c_chainLog]: this.#windowLog,
        }),
      },
    });
    // Whoever writes gets to know of it.
    stream.on('error', () => undefined);
    return stream;
  }
}

/** Levels that lie between these are hardly smaller than the one before, or hardly quicker than the one behind. */
export const zstdCodec: Codec = {
  name: 'zstd',
  levels: {
    fast: [
      { level: 1, bytesPerSecond: 150e6 },
      { level: 3, bytesPerSecond: 80e6 },
      { level: 6, bytesPerSecond: 40e6 },
    ],
    slow: [
      { level: 6, bytesPerSecond: 40e6 },
      { level: 9, bytesPerSecond: 25e6 },
      { level: 13, bytesPerSecond: 5e6 },
      { level: 16, bytesPerSecond: 3e6 },
      { level: 19, bytesPerSecond: 2e6 },
    ],
  },
  takesBack: false,
  newEncoder: size => new ZstdEncoder(size),
};

function write(stream: import('node:zlib').ZstdCompress, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, error => {
      // A stream destroyed meanwhile says so with nothing at all.
      if (error || stream.destroyed) reject(error ?? new Error('the encoder was closed'));
      else resolve(stream.read() ?? Buffer.alloc(0));
    });
  });
}
