/**
 * Compression of a put's bytes, PROTOCOL.md §6. A codec is what `encoding` names; an encoder is one put's stream. Another
 * codec joins by an entry in `codecs`; all else asks only for pieces.
 */
import { promisify } from 'node:util';
import { constants, deflateRaw } from 'node:zlib';

export interface Encoder {
  /**
   * The next piece of the stream: it can be decoded whole once its last byte is there.
   *
   * @param effort - 1 (fast) to 9 (small)
   */
  encode(bytes: Buffer, effort: number): Promise<Buffer>;
  /** The piece encoded last was sent as it came; only then may later pieces refer to it. */
  sent(bytes: Buffer): void;
}

export interface Codec {
  /** As in `encoding` and `capabilities`. */
  readonly name: string;
  newEncoder(): Encoder;
}

/** What DEFLATE can refer back to. */
const HISTORY_BYTES = 32_768;
const deflate = promisify(deflateRaw) as (
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

  encode(bytes: Buffer, effort: number): Promise<Buffer> {
    return deflate(bytes, {
      level: effort,
      memLevel: 9,
      // An empty stored block instead of a last one: the stream goes on.
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: Math.max(1_024, bytes.length),
      ...(this.#history && { dictionary: this.#history }),
    });
  }

  sent(bytes: Buffer): void {
    const before = this.#history?.subarray(Math.max(0, this.#history.length + bytes.length - HISTORY_BYTES));
    this.#history = Buffer.concat([before ?? Buffer.alloc(0), bytes.subarray(-HISTORY_BYTES)]);
  }
}

const codecs: readonly Codec[] = [{ name: 'deflate', newEncoder: () => new DeflateEncoder() }];

/** The best codec that the receiver announces. */
export function chooseCodec(capabilities: ReadonlySet<string>): Codec | undefined {
  return codecs.find(codec => capabilities.has(codec.name));
}
