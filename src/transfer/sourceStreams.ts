/** Opens source files for reading: block by block, or as pieces made for one receiver's line. */
import { DATA_OFFSET_BYTES, type Session } from '../protocol/index.ts';
import { BlockPool } from './blockPool.ts';
import { type Bundle, makeBundle } from './bundle/bundle.ts';
import type { BundleItem } from './bundle/bundleItem.ts';
import type { SharedBundles } from './bundle/sharedBundles.ts';
import { chooseCodec } from './codec.ts';
import { type CompressionMode, CompressionPolicy } from './compressionPolicy.ts';
import { FilePieces, PieceEncoder, type Pieces } from './pieces.ts';
import type { SharedSources } from './sharedSources.ts';
import { SourceReader } from './sourceReader.ts';
import type { SourceSystem } from './sourceSystem.ts';

/** Blocks of about this size keep the number of reads and hash calls small on a fast channel. */
const BLOCK_BYTES = 1 << 20;
/** …and on a slow line a block is this many frames, so that what is queued is soon sent. */
const FRAMES_PER_BLOCK = 16;
/** Many files of this size may be under way at once, so they get blocks of their own size. */
export const SMALL_FILE_BYTES = 32 * 1_024;

export class SourceStreams {
  readonly system: SourceSystem;
  /** Undefined where nothing is to be compressed. */
  readonly policy: CompressionPolicy | undefined;
  /** What puts announce as `encoding`. */
  readonly encoding: string | undefined;
  /** Receivers of the same kind take the very same pieces. */
  readonly kind: string;
  #shared: SharedSources | undefined;
  #sharedBundles: SharedBundles | undefined;
  readonly #codec: ReturnType<typeof chooseCodec>;
  readonly #pool: BlockPool;
  /** One byte more, so that the first read shows the file's end. */
  readonly #smallPool = new BlockPool(SMALL_FILE_BYTES + 1);

  constructor({ welcome }: Session, system: SourceSystem, compression: CompressionMode) {
    this.system = system;
    this.#codec = compression === 'off' ? undefined : chooseCodec(welcome.capabilities);
    this.policy = this.#codec && new CompressionPolicy(compression, welcome.device, this.#codec);
    this.encoding = this.#codec?.name;
    this.kind = [welcome.device, welcome.frame, compression, this.encoding].join();
    const frameBytes = welcome.frame - DATA_OFFSET_BYTES;
    this.#pool = new BlockPool(frameBytes * Math.min(FRAMES_PER_BLOCK, Math.ceil(BLOCK_BYTES / frameBytes)));
  }

  get blockBytes(): number {
    return this.#pool.blockBytes;
  }

  async openReader(source: string, size = Number.POSITIVE_INFINITY): Promise<SourceReader> {
    const pool = size <= SMALL_FILE_BYTES ? this.#smallPool : this.#pool;
    return new SourceReader(await this.system.open(source), pool);
  }

  async openPieces(source: string, size: number): Promise<Pieces> {
    const open = async () => new FilePieces(await this.openReader(source, size), this.newEncoder(size));
    return this.#shared ? this.#shared.open(this, source, open) : open();
  }

  bundle(items: readonly BundleItem[]): Promise<Bundle> {
    return (
      this.#sharedBundles?.take(this, items, known => makeBundle(this, items, known)) ??
      makeBundle(this, items)
    );
  }

  /** From now on files are read together with other guests. */
  share(shared: SharedSources, sharedBundles: SharedBundles): void {
    this.#shared = shared;
    this.#sharedBundles = sharedBundles;
  }

  /** This file is copied, or given up: no other guest need wait for this one. */
  finished(source: string): void {
    void this.#shared?.finished(this, source);
  }

  /** No further file will be read. */
  close(): void {
    this.#shared?.leave(this);
    this.#sharedBundles?.leave(this);
  }

  /** For one put, to be closed at its end; undefined where nothing is to be compressed. */
  newEncoder(size?: number): PieceEncoder | undefined {
    return this.#codec && this.policy && new PieceEncoder(this.policy, this.#codec.newEncoder(size));
  }

  /** SHA-256 of a source file, hexadecimal. */
  async hash(source: string): Promise<string> {
    const reader = await this.openReader(source);
    try {
      return await reader.skip(Number.POSITIVE_INFINITY);
    } finally {
      await reader.close();
    }
  }
}
