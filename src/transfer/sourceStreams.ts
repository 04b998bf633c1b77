/** Opens source files for reading: block by block, or as pieces made for one receiver's line. */
import { DATA_OFFSET_BYTES, type Session, type Welcome } from '../protocol/index.ts';
import type { FeatureMode } from '../text/featureMode.ts';
import { BlockPool } from './blockPool.ts';
import { chooseCodec } from './codec/chooseCodec.ts';
import type { Codec } from './codec/codec.ts';
import { CompressionPolicy } from './compressionPolicy.ts';
import { type EncodedSources, FilePieces, PieceEncoder, type Pieces } from './pieces.ts';
import type { SharedSources } from './sharedSources.ts';
import { SourceReader } from './sourceReader.ts';
import type { SourceSystem } from './sourceSystem.ts';
import { type SourceChange, VersionedFile, type VersionedSource } from './versionedFile.ts';

/** Blocks of about this size keep the number of reads and hash calls small on a fast channel. */
const BLOCK_BYTES = 1 << 20;
/** …and on a slow line a block is this many frames, so that what is queued is soon sent. */
const FRAMES_PER_BLOCK = 16;
/** Many files of this size may be under way at once, so they get blocks of their own size. */
export const SMALL_FILE_BYTES = 32 * 1_024;

export interface SourceStreamsOptions {
  readonly system: SourceSystem;
  readonly compression: FeatureMode;
  /** Files are read together with other guests, of which this is one. */
  readonly sharing?: { readonly guest: object; readonly files: SharedSources } | undefined;
}

export interface SourceHash {
  /** Hexadecimal. */
  readonly sha256: string;
  readonly changed: SourceChange | undefined;
}

export class SourceStreams implements EncodedSources {
  readonly system: SourceSystem;
  /** Undefined if nothing is compressed. */
  readonly policy: CompressionPolicy | undefined;
  /** What puts announce as `encoding`. */
  readonly encoding: string | undefined;
  readonly #codec: Codec | undefined;
  readonly #guest: object;
  readonly #shared: SharedSources | undefined;
  readonly #pool: BlockPool;
  readonly #smallPool = new BlockPool(SMALL_FILE_BYTES);

  constructor({ welcome }: Session, { system, compression, sharing }: SourceStreamsOptions) {
    this.system = system;
    this.#codec = codecFor(welcome, compression);
    this.policy = this.#codec && new CompressionPolicy(compression, welcome.device, this.#codec);
    this.encoding = this.#codec?.name;
    this.#guest = sharing?.guest ?? this;
    this.#shared = sharing?.files;
    const frameBytes = welcome.frame - DATA_OFFSET_BYTES;
    this.#pool = new BlockPool(frameBytes * Math.min(FRAMES_PER_BLOCK, Math.ceil(BLOCK_BYTES / frameBytes)));
  }

  get blockBytes(): number {
    return this.#pool.blockBytes;
  }

  async openReader(source: VersionedSource, isShort = false): Promise<SourceReader> {
    const file = await VersionedFile.open(this.system, source);
    return new SourceReader(file, isShort ? this.#smallPool : this.#pool);
  }

  async openPieces(source: VersionedSource): Promise<Pieces> {
    const { size } = source.info;
    const open = async () => {
      const reader = await this.openReader(source, size <= SMALL_FILE_BYTES);
      return new FilePieces(reader, this.newEncoder(size));
    };
    return this.#shared ? this.#shared.open(this.#guest, source, open) : open();
  }

  /** This file is copied, or given up: no other guest need wait for this one. */
  finished(source: string): void {
    void this.#shared?.finished(this.#guest, source);
  }

  /** No further file will be read. */
  close(): void {
    this.#shared?.leave(this.#guest);
  }

  newEncoder(size?: number): PieceEncoder | undefined {
    return this.#codec && this.policy && new PieceEncoder(this.policy, this.#codec.newEncoder(size));
  }

  async hash(source: VersionedSource): Promise<SourceHash> {
    const reader = await this.openReader(source);
    try {
      const sha256 = await reader.skip(source.info.size);
      return { sha256, changed: await reader.finish() };
    } finally {
      await reader.close();
    }
  }
}

/** Receivers of the same kind take the very same pieces, so what is made for one of them serves the others. */
export function kindOfLine({ welcome }: Session, compression: FeatureMode): string {
  return [welcome.device, welcome.frame, compression, codecFor(welcome, compression)?.name].join();
}

function codecFor({ capabilities }: Welcome, compression: FeatureMode): Codec | undefined {
  return compression === 'off' ? undefined : chooseCodec(capabilities);
}
