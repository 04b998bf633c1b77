/** Reads one version of a source file from its beginning, hashing on the way; never more in memory than a few blocks. */
import { createHash } from 'node:crypto';
import type { Block, BlockPool } from './blockPool.ts';
import type { SourceChange, VersionedFile } from './versionedFile.ts';

/** Part of the file in a block of the pool; whoever got it releases it. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly block: Block;
}

type OpenSource = Pick<VersionedFile, 'bytesLeft' | 'read' | 'finish' | 'close'>;

export class SourceReader {
  /** Bytes read so far. */
  bytes = 0;
  readonly #file: OpenSource;
  readonly #pool: BlockPool;
  readonly #hash = createHash('sha256');
  #ahead: Promise<Chunk> | undefined;
  #ended = false;

  constructor(file: OpenSource, pool: BlockPool) {
    this.#file = file;
    this.#pool = pool;
  }

  /** The next bytes, already hashed, or undefined at the end; the chunk after them is being read meanwhile. */
  async next(): Promise<Chunk | undefined> {
    if (this.#ended) return undefined;
    const chunk = await (this.#ahead ?? this.#read(this.#pool.blockBytes));
    this.#ended = chunk.bytes.length < chunk.block.buffer.length || this.#file.bytesLeft === 0;
    this.#ahead = this.#ended ? undefined : this.#read(this.#pool.blockBytes);
    // Whoever closes the file before the next call need not hear of it.
    this.#ahead?.catch(() => undefined);
    return this.#hashed(chunk);
  }

  /**
   * Goes past the file's first bytes; only before `next`.
   *
   * @returns their SHA-256, hexadecimal; of fewer bytes where the file is shorter.
   */
  async skip(count: number): Promise<string> {
    while (this.bytes < count) {
      const chunk = await this.#read(Math.min(this.#pool.blockBytes, count - this.bytes));
      this.#hashed(chunk)?.block.release();
      if (chunk.bytes.length === 0) break;
    }
    return this.#hash.copy().digest('hex');
  }

  /** Of everything read so far, hexadecimal. */
  sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  /**
   * After the last chunk: whether all that was read is one version of the file.
   *
   * @throws SourceChanged
   */
  finish(): Promise<SourceChange | undefined> {
    return this.#file.finish(this.sha256());
  }

  /** Waits for a read under way: its buffer must not be written to any more. */
  async close(): Promise<void> {
    const left = await this.#ahead?.catch(() => undefined);
    left?.block.release();
    await this.#file.close();
  }

  #hashed(chunk: Chunk): Chunk | undefined {
    if (chunk.bytes.length === 0) {
      chunk.block.release();
      return undefined;
    }
    this.#hash.update(chunk.bytes);
    this.bytes += chunk.bytes.length;
    return chunk;
  }

  async #read(count: number): Promise<Chunk> {
    const block = this.#pool.take();
    const filled = await this.#file.read(block.buffer.subarray(0, count));
    return { block, bytes: block.buffer.subarray(0, filled) };
  }
}
