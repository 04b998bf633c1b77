// A put as the fake receiver keeps it: the rules of PROTOCOL.md §5 and §6 for DATA and COPY, broken ones thrown as errors.
import assert from 'node:assert/strict';
import { constants, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { FLAG_ENCODED } from '../../../src/protocol/constants.ts';

export class FakePut {
  readonly path: string;
  readonly resumes: boolean;
  /** Frames and bytes that came, by kind. */
  readonly counts = { plain: 0, encoded: 0, copy: 0 };
  /** What `encoding` said. */
  readonly encoding: string | undefined;
  readonly #basis: Buffer | undefined;
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
      basis?: Buffer | undefined;
      partial?: Buffer | undefined;
      resumes: boolean;
    },
  ) {
    this.path = path;
    this.encoding = options.encoding;
    this.#basis = options.basis;
    this.#partial = options.partial;
    this.resumes = options.resumes;
  }

  get content(): Buffer {
    return Buffer.concat([...(this.#partial ? [this.#partial] : []), ...this.#pieces]);
  }

  data(flags: number, payload: Buffer): void {
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
    assert.ok(basis, 'COPY without a basis');
    assert.ok(payload.length > 8 && (payload.length - 8) % 12 === 0, 'a COPY of no whole ranges');
    const offset = Number(payload.readBigUInt64BE());
    this.#begin(offset);
    this.counts.copy += 1;
    assert.equal(offset, this.#length, 'COPY at the wrong offset');
    for (let at = 8; at < payload.length; at += 12) {
      const from = Number(payload.readBigUInt64BE(at));
      const length = payload.readUInt32BE(at + 8);
      assert.ok(from + length <= basis.length, 'COPY from behind the basis');
      this.#append(this.#length, basis.subarray(from, from + length));
    }
  }

  #begin(offset: number): void {
    if (this.#length > 0 || !this.#partial) return;
    if (offset === 0) this.#partial = undefined;
    else this.#length = this.#partial.length;
  }

  #append(offset: number, bytes: Buffer): void {
    assert.equal(offset, this.#length, 'DATA at the wrong offset');
    this.#pieceAt = undefined;
    this.#take(bytes);
  }

  #take(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  #decode(offset: number, bytes: Buffer): void {
    this.counts.encoded += 1;
    assert.ok(offset === this.#length || offset === this.#pieceAt, 'an ENCODED frame at the wrong offset');
    this.#pieceAt = offset;
    this.#encoded = Buffer.concat([this.#encoded, bytes]);
    const all = this.encoding === 'zstd' ? unzstd(this.#encoded) : inflate(this.#encoded);
    this.#take(all.subarray(this.#decoded));
    this.#decoded = all.length;
  }
}

function inflate(stream: Buffer): Buffer {
  return inflateRawSync(stream, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** Frames of zstd, of which the last may go on; Node decodes one a call. */
export function unzstd(stream: Buffer): Buffer {
  const made: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const options = { finishFlush: constants.ZSTD_e_flush, info: true };
    const { buffer, engine } = zstdDecompressSync(stream.subarray(at), options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    assert.ok(engine.bytesWritten > 0);
    made.push(buffer);
    at += engine.bytesWritten;
  }
  return Buffer.concat(made);
}
