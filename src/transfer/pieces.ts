/** A source file as the pieces that go over the line: read, hashed and, where it pays, compressed one piece ahead. */
import type { Encoder } from './codec/codec.ts';
import type { CompressionPolicy } from './compressionPolicy.ts';
import type { Chunk, SourceReader } from './sourceReader.ts';
import type { SourceSystem } from './sourceSystem.ts';
import type { SourceChange } from './versionedFile.ts';

export interface Piece {
  /** What is sent: the file's bytes, or a whole piece of the put's compressed stream. */
  readonly bytes: Buffer;
  readonly isEncoded: boolean;
  /** How many of the file's bytes this stands for. */
  readonly fileBytes: number;
  /** One more user of the memory. */
  retain(): void;
  /** One user less; whoever got the piece is the first. */
  release(): void;
}

/** Where sources are read from, and what compresses them for one receiver's line. */
export interface EncodedSources {
  readonly system: SourceSystem;
  /** For one put, which closes it at its end; undefined if nothing is compressed. */
  newEncoder(size?: number): PieceEncoder | undefined;
}

export interface Pieces {
  /** As of SourceReader. */
  skip(count: number): Promise<string>;
  next(): Promise<Piece | undefined>;
  /** Bytes of the file up to the last piece that was handed out, and their SHA-256. */
  readonly bytes: number;
  sha256(): string;
  /** As of SourceReader. */
  finish(): Promise<SourceChange | undefined>;
  close(): Promise<void>;
}

/** Compresses one put's bytes where the policy wants it. */
export class PieceEncoder {
  readonly #policy: CompressionPolicy;
  readonly #encoder: Encoder;

  constructor(policy: CompressionPolicy, encoder: Encoder) {
    this.#policy = policy;
    this.#encoder = encoder;
  }

  /** The encoded piece, or undefined where the bytes should go as they are. */
  async encode(bytes: Buffer): Promise<Buffer | undefined> {
    const level = this.#policy.levelFor(bytes);
    if (level === undefined) return undefined;
    const startedAt = performance.now();
    const encoded = await this.#encoder.encode(bytes, level);
    this.#policy.onEncoded(bytes.length, level, performance.now() - startedAt);
    return encoded;
  }

  /** The put has no further bytes. */
  close(): void {
    this.#encoder.close();
  }
}

export class FilePieces implements Pieces {
  readonly #reader: SourceReader;
  readonly #encoder: PieceEncoder | undefined;
  #ahead: Promise<Piece | undefined> | undefined;
  #bytes = 0;

  constructor(reader: SourceReader, encoder: PieceEncoder | undefined) {
    this.#reader = reader;
    this.#encoder = encoder;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async skip(count: number): Promise<string> {
    const sha256 = await this.#reader.skip(count);
    this.#bytes = this.#reader.bytes;
    return sha256;
  }

  async next(): Promise<Piece | undefined> {
    const piece = await (this.#ahead ?? this.#make());
    this.#ahead = piece && this.#make();
    this.#ahead?.catch(() => undefined);
    this.#bytes += piece?.fileBytes ?? 0;
    return piece;
  }

  sha256(): string {
    return this.#reader.sha256();
  }

  finish(): Promise<SourceChange | undefined> {
    return this.#reader.finish();
  }

  async close(): Promise<void> {
    const left = await this.#ahead?.catch(() => undefined);
    left?.release();
    this.#encoder?.close();
    await this.#reader.close();
  }

  async #make(): Promise<Piece | undefined> {
    const chunk = await this.#reader.next();
    return chunk && encodeChunk(chunk, this.#encoder);
  }
}

/** The chunk as a piece; its block is used no longer than it must be. */
async function encodeChunk({ bytes, block }: Chunk, encoder: PieceEncoder | undefined): Promise<Piece> {
  const encoded = await encoder?.encode(bytes).catch((error: unknown) => {
    block.release();
    throw error;
  });
  if (!encoded)
    return { bytes, isEncoded: false, fileBytes: bytes.length, retain: block.retain, release: block.release };
  block.release();
  return ownPiece(encoded, true, bytes.length);
}

/** A piece from bytes that nobody else uses. */
export async function pieceOf(bytes: Buffer, encoder: PieceEncoder | undefined): Promise<Piece> {
  const encoded = await encoder?.encode(bytes);
  return ownPiece(encoded ?? bytes, encoded !== undefined, bytes.length);
}

function ownPiece(bytes: Buffer, isEncoded: boolean, fileBytes: number): Piece {
  return { bytes, isEncoded, fileBytes, retain: nothing, release: nothing };
}

function nothing(): void {}
