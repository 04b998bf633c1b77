/**
 * One source file on its way to several guests: read, hashed and compressed once. A few pieces are kept until every
 * guest has them, so the slowest sets the pace; one that doesn't move at all reads the file for itself.
 */
import type { Piece, Pieces } from './pieces.ts';
import type { SourceChange } from './versionedFile.ts';

/** Pieces kept at most: enough that guests need not march in step. */
const RING_PIECES = 8;
/** How long all wait for a guest that takes nothing. */
const STALL_MS = 5_000;
/** What a piece of a small file takes in truth: its block. */
const MIN_PIECE_BYTES = 32 * 1_024;

export class SharedFile {
  readonly #source: Pieces;
  readonly #stallMs: number;
  /** Whoever reads, and the number of the piece that it wants next. */
  readonly #readers = new Map<object, number>();
  /** Guests that may still come; until then everything is kept from the first piece on. */
  readonly #awaited: Set<object>;
  readonly #pieces: Piece[] = [];
  #first = 0;
  #end: 'open' | 'ended' | { error: unknown } = 'open';
  #making = false;
  #finished: Promise<SourceChange | undefined> | undefined;
  #closed = false;
  #change = Promise.withResolvers<void>();

  constructor(source: Pieces, guests: Iterable<object>, stallMs = STALL_MS) {
    this.#source = source;
    this.#stallMs = stallMs;
    this.#awaited = new Set(guests);
  }

  get heldBytes(): number {
    return this.#pieces.reduce((sum, piece) => sum + Math.max(MIN_PIECE_BYTES, piece.bytes.length), 0);
  }

  get isOver(): boolean {
    return this.#closed;
  }

  /** @returns whether the guest can still begin with the first piece. */
  join(guest: object): boolean {
    if (!this.#awaited.delete(guest)) return false;
    this.#readers.set(guest, 0);
    return true;
  }

  /** The guest wants nothing, or nothing more, of this file. */
  leave(guest: object): void {
    const wasAwaited = this.#awaited.delete(guest);
    if (this.#readers.delete(guest) || wasAwaited) this.#trim();
  }

  /** Nobody who is not here yet is waited for. */
  stopWaiting(): void {
    this.#awaited.clear();
    this.#trim();
  }

  /** The guest's next piece, undefined at the end, or `left behind`: then it must read for itself. */
  async next(guest: object): Promise<Piece | undefined | 'left behind'> {
    for (;;) {
      const position = this.#readers.get(guest);
      if (position === undefined) return 'left behind';
      const piece = this.#pieces[position - this.#first];
      if (piece) {
        piece.retain();
        this.#readers.set(guest, position + 1);
        this.#trim();
        return piece;
      }
      if (typeof this.#end === 'object') throw this.#end.error;
      if (this.#end === 'ended') return undefined;
      await this.#more();
    }
  }

  /** Of the whole file; only after its end. */
  sha256(): string {
    return this.#source.sha256();
  }

  /** As of SourceReader, for all guests at once. */
  finish(): Promise<SourceChange | undefined> {
    this.#finished ??= this.#source.finish();
    return this.#finished;
  }

  async #more(): Promise<void> {
    const { promise: change } = this.#change;
    if (this.#pieces.length < RING_PIECES) {
      void this.#make();
      return change;
    }
    let timer: NodeJS.Timeout | undefined;
    const stall = new Promise<void>(resolve => {
      timer = setTimeout(() => {
        this.#leaveBehind();
        resolve();
      }, this.#stallMs);
    });
    await Promise.race([change, stall]);
    clearTimeout(timer);
  }

  async #make(): Promise<void> {
    if (this.#making || this.#end !== 'open') return;
    this.#making = true;
    try {
      const piece = await this.#source.next();
      if (piece) this.#pieces.push(piece);
      else this.#end = 'ended';
    } catch (error) {
      this.#end = { error };
    }
    this.#making = false;
    this.#changed();
    this.#trim();
  }

  /** Those that have not moved since the oldest piece was made. */
  #leaveBehind(): void {
    this.#awaited.clear();
    for (const [guest, position] of this.#readers) if (position === this.#first) this.#readers.delete(guest);
    this.#trim();
  }

  /** Lets go of what everybody has. */
  #trim(): void {
    const isOver = this.#readers.size === 0 && this.#awaited.size === 0;
    const needed = this.#awaited.size > 0 ? 0 : Math.min(...this.#readers.values());
    while (this.#pieces.length > 0 && (isOver || this.#first < needed)) {
      this.#pieces.shift()?.release();
      this.#first += 1;
      this.#changed();
    }
    if (!isOver || this.#making || this.#closed) return;
    this.#closed = true;
    void this.#source.close().catch(() => undefined);
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
