/** Streams one source file into one put: read ahead, hash on the way, never more in memory than a few blocks. */
import { createHash } from 'node:crypto';
import { DATA_OFFSET_BYTES, type PutStream, type Session } from '../protocol/index.ts';
import { abortable, throwIfAborted } from './abortable.ts';
import { type Block, BlockPool } from './blockPool.ts';
import type { SourceFile, SourceSystem } from './sourceSystem.ts';

/** Blocks of about this size keep the number of reads and hash calls small on a fast channel. */
const BLOCK_BYTES = 1 << 20;
/** …and on a slow line a block is this many frames, so that what is queued is soon sent. */
const FRAMES_PER_BLOCK = 16;

export class FileSender {
  readonly #system: SourceSystem;
  readonly #signal: AbortSignal | undefined;
  readonly #frameBytes: number;
  readonly #pool: BlockPool;

  constructor(session: Session, system: SourceSystem, signal: AbortSignal | undefined) {
    this.#system = system;
    this.#signal = signal;
    this.#frameBytes = session.welcome.frame - DATA_OFFSET_BYTES;
    this.#pool = new BlockPool(
      this.#frameBytes * Math.min(FRAMES_PER_BLOCK, Math.ceil(BLOCK_BYTES / this.#frameBytes)),
    );
  }

  /**
   * Sends the whole file, or stops early when the receiver has already answered.
   *
   * @param onAcknowledged - gets the number of bytes each time the receiver has taken some
   * @returns SHA-256 of everything sent, hexadecimal, and the number of bytes.
   */
  async send(source: string, put: PutStream, onAcknowledged: (bytes: number) => void): Promise<Sent> {
    const hash = createHash('sha256');
    let bytes = 0;
    await this.#eachBlock(source, async (block, filled) => {
      bytes += filled;
      const data = block.buffer.subarray(0, filled);
      // Frames first: the line works while this thread hashes.
      this.#sendFrames(data, block, put, onAcknowledged);
      hash.update(data);
      await abortable(put.room(), this.#signal);
      return !put.answered;
    });
    return { sha256: hash.digest('hex'), bytes };
  }

  /** SHA-256 of a source file, hexadecimal. */
  async hash(source: string): Promise<string> {
    const hash = createHash('sha256');
    await this.#eachBlock(source, async (block, filled) => {
      hash.update(block.buffer.subarray(0, filled));
      return true;
    });
    return hash.digest('hex');
  }

  #sendFrames(data: Buffer, block: Block, put: PutStream, onAcknowledged: (bytes: number) => void): void {
    for (let at = 0; at < data.length; at += this.#frameBytes) {
      const piece = data.subarray(at, at + this.#frameBytes);
      block.retain();
      put.sendData(piece, () => {
        block.release();
        onAcknowledged(piece.length);
      });
    }
  }

  /** Reads the file block by block, the next one while `use` works on the last, until `use` says false. */
  async #eachBlock(source: string, use: (block: Block, filled: number) => Promise<boolean>): Promise<void> {
    const file = await this.#system.open(source);
    try {
      let next = this.#read(file);
      for (;;) {
        const { block, filled } = await next;
        const more = filled === block.buffer.length;
        if (more) next = this.#read(file);
        const goOn = filled > 0 && (await use(block, filled).finally(block.release));
        if (!more) return;
        if (!goOn) {
          await next;
          return;
        }
        throwIfAborted(this.#signal);
      }
    } finally {
      await file.close();
    }
  }

  async #read(file: SourceFile): Promise<{ block: Block; filled: number }> {
    const block = this.#pool.take();
    return { block, filled: await file.read(block.buffer) };
  }
}

export interface Sent {
  sha256: string;
  bytes: number;
}
