/**
 * The checksums of a basis's blocks, as the guest tells them, and which block has given ones. 24 bytes a block in typed
 * arrays and a filter, so 10 MB for the largest basis. The guest is not trusted: what is nonsense makes the table incomplete, and
 * however its checksums are chosen a look-up stays short.
 */
import { hash } from 'node:crypto';
import { SIGNATURE_ENTRY_BYTES } from '../../protocol/index.ts';
import { mix, WeakFilter } from './weakFilter.ts';

/** Blocks with the same weak checksum and different strong ones are chance; so many of them are malice. */
const MAX_CHAIN = 16;
const NONE = -1;

export class SignatureTable {
  readonly blockBytes: number;
  readonly basisBytes: number;
  readonly filter: WeakFilter;
  readonly #count: number;
  readonly #weak: Uint32Array;
  readonly #strong: BigUint64Array;
  /** Block numbers by the weak checksum's bits, and after each block the next one of the same bits. */
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  #received = 0;
  #nonsense = false;

  constructor(basisBytes: number, blockBytes: number) {
    this.basisBytes = basisBytes;
    this.blockBytes = blockBytes;
    this.#count = Math.ceil(basisBytes / blockBytes);
    this.filter = new WeakFilter(this.#count);
    this.#weak = new Uint32Array(this.#count);
    this.#strong = new BigUint64Array(this.#count);
    this.#next = new Int32Array(this.#count).fill(NONE);
    this.#heads = new Int32Array(2 * this.#count + 1).fill(NONE);
  }

  /** Every block is known. */
  get isComplete(): boolean {
    return !this.#nonsense && this.#received === this.#count;
  }

  /** Length of the last block where it is shorter than the others; 0 where there is no such block. */
  get tailBytes(): number {
    return this.basisBytes % this.blockBytes;
  }

  /** Takes what came; each frame holds whole entries. */
  add(offset: number, bytes: Buffer): void {
    const entries = bytes.length / SIGNATURE_ENTRY_BYTES;
    const isExpected = offset === this.#received * SIGNATURE_ENTRY_BYTES && Number.isInteger(entries);
    if (!isExpected || this.#received + entries > this.#count) {
      this.#nonsense = true;
      return;
    }
    for (let at = 0; at < bytes.length; at += SIGNATURE_ENTRY_BYTES) {
      this.#weak[this.#received] = bytes.readUInt32BE(at);
      this.#strong[this.#received] = bytes.readBigUInt64BE(at + 4);
      this.#received += 1;
    }
  }

  /** Makes the table ready for look-ups. From the last block to the first, so that of equal ones the first is found. */
  index(): void {
    const whole = this.tailBytes > 0 ? this.#count - 1 : this.#count;
    for (let block = whole - 1; block >= 0; block -= 1) this.#insert(block);
  }

  /** Whether there is a block of this weak checksum. */
  has(weak: number): boolean {
    let block = this.#heads[this.#slot(weak)] as number;
    while (block !== NONE && this.#weak[block] !== weak) block = this.#next[block] as number;
    return block !== NONE;
  }

  /**
   * The block that holds these bytes.
   *
   * @param expected - looked at first: runs of neighbours take fewest bytes to tell
   */
  find(weak: number, bytes: Buffer, expected: number): number | undefined {
    const strong = strongOf(bytes);
    if (this.#weak[expected] === weak && this.#strong[expected] === strong) return expected;
    for (let block = this.#heads[this.#slot(weak)] as number; block !== NONE; ) {
      if (this.#weak[block] === weak && this.#strong[block] === strong) return block;
      block = this.#next[block] as number;
    }
    return undefined;
  }

  /** Whether these bytes are the basis's short last block. */
  isTail(weak: number, bytes: Buffer): boolean {
    const last = this.#count - 1;
    return this.#weak[last] === weak && this.#strong[last] === strongOf(bytes);
  }

  #insert(block: number): void {
    const weak = this.#weak[block] as number;
    const slot = this.#slot(weak);
    this.filter.add(weak);
    const strong = this.#strong[block];
    let length = 0;
    let before = NONE;
    for (let other = this.#heads[slot] as number; other !== NONE; other = this.#next[other] as number) {
      // Of equal blocks, such as zeros, one will do.
      if (this.#strong[other] === strong) {
        this.#replace(slot, before, other, block);
        return;
      }
      length += 1;
      before = other;
      if (length >= MAX_CHAIN) return;
    }
    this.#next[block] = this.#heads[slot] as number;
    this.#heads[slot] = block;
  }

  #replace(slot: number, before: number, other: number, block: number): void {
    this.#next[block] = this.#next[other] as number;
    if (before === NONE) this.#heads[slot] = block;
    else this.#next[before] = block;
  }

  #slot(weak: number): number {
    return (mix(weak) >>> 0) % this.#heads.length;
  }
}

function strongOf(bytes: Buffer): bigint {
  return hash('sha256', bytes, 'buffer').readBigUInt64BE();
}
