/**
 * The few buffers a copy reads into. A block comes back when its last frame is acknowledged, so memory stays flat for
 * any file, and the garbage collector has nothing to chase.
 */
export interface Block {
  buffer: Buffer;
  /** One more user of the block. */
  retain(): void;
  /** One user less; at none the block goes back to the pool. */
  release(): void;
}

export class BlockPool {
  readonly blockBytes: number;
  #free: Buffer[] = [];

  constructor(blockBytes: number) {
    this.blockBytes = blockBytes;
  }

  /** A block with one user: the caller. */
  take(): Block {
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.blockBytes);
    let users = 1;
    return {
      buffer,
      retain: () => {
        users += 1;
      },
      release: () => {
        users -= 1;
        if (users === 0) this.#free.push(buffer);
      },
    };
  }
}
