/**
 * Finds the blocks of a basis in a source, at any offset, in one pass over it: rsync's algorithm (Tridgell 1999,
 * chapter 3). Memory is a block, a chunk of the source and some literal bytes, whatever the file's size.
 */
import type { SourceReader } from '../sourceReader.ts';
import { RollingAdler } from './rollingAdler.ts';
import type { SignatureTable } from './signatureTable.ts';

export type DeltaStep =
  /** Bytes that the basis doesn't have; the caller's own. */
  { kind: 'literal'; bytes: Buffer } | { kind: 'copy'; from: number; length: number };

/** Strong checksums that lead to nothing may cost this many times the bytes looked at; an honest basis stays far below. */
const MAX_VAIN_FACTOR = 8;
const VAIN_ALLOWANCE_BYTES = 16 << 20;
/** No block is expected. */
const NONE = -1;

export class DeltaSearch {
  readonly #reader: SourceReader;
  readonly #table: SignatureTable;
  readonly #blockBytes: number;
  readonly #literalBytes: number;
  readonly #weak: RollingAdler;
  #buffer: Buffer;
  /** In the buffer: where the literal begins, the window begins, the bytes end. */
  #start = 0;
  #window = 0;
  #end = 0;
  #isRolling = false;
  #expected = NONE;
  #lookedAt = 0;
  #vainBytes = 0;

  /** @param literalBytes - most bytes in one literal */
  constructor(reader: SourceReader, table: SignatureTable, literalBytes: number) {
    this.#reader = reader;
    this.#table = table;
    this.#blockBytes = table.blockBytes;
    this.#literalBytes = literalBytes;
    this.#weak = new RollingAdler(table.blockBytes);
    this.#buffer = Buffer.allocUnsafeSlow(2 * (table.blockBytes + literalBytes));
  }

  async *steps(): AsyncGenerator<DeltaStep> {
    for (let chunk = await this.#reader.next(); chunk; chunk = await this.#reader.next()) {
      this.#append(chunk.bytes);
      chunk.block.release();
      yield* this.#scan();
    }
    yield* this.#finish();
  }

  /** As far as there is one more byte behind the window. */
  *#scan(): Generator<DeltaStep> {
    while (this.#window + this.#blockBytes < this.#end) {
      const block = this.#seek();
      if (block !== undefined) yield* this.#copy(block);
      if (this.#window - this.#start >= this.#literalBytes) yield* this.#literal();
    }
  }

  *#finish(): Generator<DeltaStep> {
    if (this.#window + this.#blockBytes === this.#end && !this.#isHopeless) {
      this.#beginRolling();
      const block = this.#lookUp();
      if (block !== undefined) yield* this.#copy(block);
    }
    const tail = this.#end - this.#table.tailBytes;
    const isTail = this.#table.tailBytes > 0 && tail >= this.#start && this.#isTailAt(tail);
    this.#window = isTail ? tail : this.#end;
    while (this.#window > this.#start) yield* this.#literal();
    const { basisBytes, tailBytes } = this.#table;
    if (isTail) yield { kind: 'copy', from: basisBytes - tailBytes, length: tailBytes };
  }

  /** A guest that makes us hash for nothing gets the rest as it is. */
  get #isHopeless(): boolean {
    return this.#vainBytes > VAIN_ALLOWANCE_BYTES + MAX_VAIN_FACTOR * this.#lookedAt;
  }

  /** Moves on to the next block of the basis; undefined where the bytes, or a literal's room, end before one. */
  #seek(): number | undefined {
    const last = Math.min(this.#end - this.#blockBytes, this.#start + this.#literalBytes);
    const from = this.#window;
    this.#beginRolling();
    while (this.#window < last && !this.#isHopeless) {
      const block = this.#lookUp();
      if (block !== undefined) return block;
      this.#window = this.#weak.rollOn(this.#buffer, this.#window, last, this.#table.filter);
    }
    this.#window = last;
    this.#lookedAt += last - from;
    return undefined;
  }

  #beginRolling(): void {
    if (!this.#isRolling) this.#weak.start(this.#buffer, this.#window, this.#window + this.#blockBytes);
    this.#isRolling = true;
  }

  /** The block that the window holds now. */
  #lookUp(): number | undefined {
    const weak = this.#weak.value;
    if (!this.#table.has(weak)) return undefined;
    const bytes = this.#buffer.subarray(this.#window, this.#window + this.#blockBytes);
    const block = this.#table.find(weak, bytes, this.#expected);
    if (block === undefined) this.#vainBytes += this.#blockBytes;
    return block;
  }

  *#copy(block: number): Generator<DeltaStep> {
    yield* this.#literal();
    yield { kind: 'copy', from: block * this.#blockBytes, length: this.#blockBytes };
    this.#expected = block + 1;
    this.#window += this.#blockBytes;
    this.#start = this.#window;
    this.#lookedAt += this.#blockBytes;
    this.#isRolling = false;
  }

  /** What stands before the window, at most one literal's worth. */
  *#literal(): Generator<DeltaStep> {
    if (this.#window === this.#start) return;
    const end = Math.min(this.#window, this.#start + this.#literalBytes);
    // A copy: the buffer goes on being used while this is compressed and sent.
    const bytes = Buffer.from(this.#buffer.subarray(this.#start, end));
    this.#start = end;
    yield { kind: 'literal', bytes };
  }

  #isTailAt(tail: number): boolean {
    const weak = new RollingAdler(this.#table.tailBytes);
    weak.start(this.#buffer, tail, this.#end);
    return this.#table.isTail(weak.value, this.#buffer.subarray(tail, this.#end));
  }

  #append(bytes: Buffer): void {
    const used = this.#end - this.#start;
    if (this.#end + bytes.length > this.#buffer.length) {
      const isTooSmall = used + bytes.length > this.#buffer.length;
      const target = isTooSmall ? Buffer.allocUnsafeSlow(2 * (used + bytes.length)) : this.#buffer;
      this.#buffer.copy(target, 0, this.#start, this.#end);
      this.#buffer = target;
      this.#window -= this.#start;
      this.#start = 0;
      this.#end = used;
    }
    this.#end += bytes.copy(this.#buffer, this.#end);
  }
}
