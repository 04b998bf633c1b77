// A put as the fake receiver keeps it: the rules of PROTOCOL.md §5 and §6 for DATA and COPY, broken ones thrown as errors.
import { hash } from 'node:crypto';
import { constants, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { FLAG_ENCODED } from '../../../src/protocol/constants.ts';

/** The largest window of zstd that a receiver takes, as its logarithm. */
const ZSTD_WINDOW_LOG = 23;

/** A rule of PROTOCOL.md that the host has broken. */
export class BrokenRule extends Error {
  /** What a receiver answers. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

function demand(isKept: boolean, code: string, rule: string): asserts isKept {
  if (!isKept) throw new BrokenRule(code, rule);
}

export class FakePut {
  readonly path: string;
  readonly resumes: boolean;
  /** Frames and bytes that came, by kind. */
  readonly counts = { plain: 0, encoded: 0, copy: 0 };
  /** What `encoding` said. */
  readonly encoding: string | undefined;
  readonly #basis: Buffer | undefined;
  /** What `size` said, if anything. */
  readonly #size: number | undefined;
  #pieces: Buffer[] = [];
  #length = 0;
  /** A partial file that is kept unless the host begins at 0. */
  #partial: Buffer | undefined;
  /** The put's whole compressed stream, and how much has been made of it. */
  #encoded: Buffer = Buffer.alloc(0);
  #decoded = 0;
  #pieceAt: number | undefined;

  constructor(
    path: string,
    options: {
      encoding?: string | undefined;
      size?: number | undefined;
      basis?: Buffer | undefined;
      partial?: Buffer | undefined;
      resumes: boolean;
    },
  ) {
    this.path = path;
    this.encoding = options.encoding;
    this.#size = options.size;
    this.#basis = options.basis;
    this.#partial = options.partial;
    this.resumes = options.resumes;
  }

  get content(): Buffer {
    return Buffer.concat([...(this.#partial ? [this.#partial] : []), ...this.#pieces]);
  }

  /** The whole content, which `commit` says is so long and has this hash. */
  finish(size: string | undefined, sha256: string | undefined): Buffer {
    // Nothing was sent: only this can tell whether what was there is the file, or the file is empty.
    if (size === '0' && this.#length === 0) this.#partial = undefined;
    const { content } = this;
    demand(!size || size === String(content.length), 'size-mismatch', 'a commit of another size');
    demand(!sha256 || sha256 === hash('sha256', content), 'hash-mismatch', 'a commit with another hash');
    return content;
  }

  data(flags: number, payload: Buffer): void {
    demand(payload.length >= 8, 'bad-request', 'DATA without an offset');
    const offset = Number(payload.readBigUInt64BE());
    const bytes = Buffer.from(payload.subarray(8));
    this.#begin(offset);
    if (flags & FLAG_ENCODED) this.#decode(offset, bytes);
    else {
      this.counts.plain += 1;
      this.#append(offset, bytes);
    }
  }

  copy(payload: Buffer): void {
    const basis = this.#basis;
    demand(basis !== undefined, 'bad-request', 'COPY without a basis');
    const areWhole = payload.length > 8 && (payload.length - 8) % 12 === 0;
    demand(areWhole, 'bad-request', 'a COPY of no whole ranges');
    const offset = Number(payload.readBigUInt64BE());
    this.#begin(offset);
    this.counts.copy += 1;
    demand(offset === this.#length, 'bad-request', 'COPY at the wrong offset');
    for (let at = 8; at < payload.length; at += 12) {
      const from = Number(payload.readBigUInt64BE(at));
      const length = payload.readUInt32BE(at + 8);
      demand(from + length <= basis.length, 'bad-request', 'COPY from behind the basis');
      this.#append(this.#length, basis.subarray(from, from + length));
    }
  }

  #begin(offset: number): void {
    if (this.#length > 0 || !this.#partial) return;
    if (offset === 0) this.#partial = undefined;
    else {
      demand(offset === this.#partial.length, 'bad-request', 'neither offset 0 nor that of what was kept');
      this.#length = offset;
    }
  }

  #append(offset: number, bytes: Buffer): void {
    demand(offset === this.#length, 'bad-request', 'DATA at the wrong offset');
    this.#pieceAt = undefined;
    this.#take(bytes);
  }

  #take(bytes: Buffer): void {
    this.#length += bytes.length;
    demand(this.#size === undefined || this.#length <= this.#size, 'size-mismatch', 'more than announced');
    this.#pieces.push(bytes);
  }

  #decode(offset: number, bytes: Buffer): void {
    this.counts.encoded += 1;
    demand(this.encoding !== undefined, 'bad-request', 'an ENCODED frame without an encoding');
    const isInOrder = offset === this.#length || offset === this.#pieceAt;
    demand(isInOrder, 'bad-request', 'an ENCODED frame at the wrong offset');
    this.#pieceAt = offset;
    this.#encoded = Buffer.concat([this.#encoded, bytes]);
    const all = this.#decodeAll();
    this.#take(all.subarray(this.#decoded));
    this.#decoded = all.length;
  }

  #decodeAll(): Buffer {
    try {
      return this.encoding === 'zstd' ? unzstd(this.#encoded) : inflate(this.#encoded);
    } catch (error) {
      throw new BrokenRule('bad-data', String(error));
    }
  }
}

function inflate(stream: Buffer): Buffer {
  return inflateRawSync(stream, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** Frames of zstd, of which the last may go on; Node decodes one a call. */
export function unzstd(stream: Buffer): Buffer {
  const made: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const params = { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG };
    const options = { finishFlush: constants.ZSTD_e_flush, info: true, params };
    const { buffer, engine } = zstdDecompressSync(stream.subarray(at), options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (engine.bytesWritten === 0) throw new Error('zstd takes nothing of it');
    made.push(buffer);
    at += engine.bytesWritten;
  }
  return Buffer.concat(made);
}
