/**
 * Compression of a put's bytes, PROTOCOL.md §6. A codec is what `encoding` names; an encoder is one put's stream. Another
 * codec joins by an entry in `codecs`; all else asks only for pieces.
 */
import { promisify } from 'node:util';
// The whole module: zstd is not in every Node that can run this, and an import by name would then fail.
import zlib from 'node:zlib';
import { ZstdEncoder } from './zstdEncoder.ts';

export interface Encoder {
  /**
   * The next piece of the stream: it can be decoded whole once its last byte is there.
   *
   * @param level - one of the codec's
   * @returns undefined where the bytes should rather go as they are; else the piece must be sent
   */
  encode(bytes: Buffer, level: number): Promise<Buffer | undefined>;
  /** Nothing more will be encoded; frees what the stream holds. */
  close(): void;
}

export interface Level {
  readonly level: number;
  /** What it does on one processor with text; believed until it is measured. */
  readonly bytesPerSecond: number;
}

export interface Codec {
  /** As in `encoding` and `capabilities`. */
  readonly name: string;
  /** Levels for a fast and for a slow line, each from quick to small. */
  readonly levels: { readonly fast: readonly Level[]; readonly slow: readonly Level[] };
  /** A piece that turns out not to get smaller costs nothing but the time of trying. */
  readonly takesBack: boolean;
  /** @param size - of the file, where it is known: memory is held for no more */
  newEncoder(size?: number): Encoder;
}

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

const deflateCodec: Codec = {
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

/** Levels that lie between these are hardly smaller than the one before, or hardly quicker than the one behind. */
const zstdCodec: Codec = {
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

/** The best first. */
const codecs = [...(ZstdEncoder.isAvailable ? [zstdCodec] : []), deflateCodec];

/** The best codec that the receiver announces. */
export function chooseCodec(capabilities: ReadonlySet<string>): Codec | undefined {
  return codecs.find(codec => capabilities.has(codec.name));
}
