/** The files that several guests get at the same time, each read once for all of them. */
import type { Piece, Pieces } from './pieces.ts';
import { SharedFile } from './sharedFile.ts';

/** Kept for guests that have not come to a file yet; a guest further behind reads for itself. */
const MAX_HELD_BYTES = 16 << 20;

type Open = () => Promise<Pieces>;

export class SharedSources {
  readonly #guests: ReadonlySet<object>;
  readonly #active: Set<object>;
  readonly #files = new Map<string, Promise<SharedFile>>();

  /** @param guests - one object a guest; all of them take the very same pieces */
  constructor(guests: Iterable<object>) {
    this.#guests = new Set(guests);
    this.#active = new Set(this.#guests);
  }

  /** @param openOwn - opens the file for this guest alone */
  async open(guest: object, source: string, openOwn: Open): Promise<Pieces> {
    const known = this.#files.get(source);
    const opening = known ?? openOwn().then(pieces => new SharedFile(pieces, this.#active));
    if (!known) {
      this.#files.set(source, opening);
      opening.catch(() => this.#files.delete(source));
    }
    const file = await opening;
    await this.#bound();
    return file.join(guest) ? new SharedPieces(guest, file, openOwn) : openOwn();
  }

  /** The guest is done with this file, whether it read it or not. */
  async finished(guest: object, source: string): Promise<void> {
    const file = await this.#files.get(source)?.catch(() => undefined);
    file?.leave(guest);
    if (file?.isOver) this.#files.delete(source);
  }

  /** The guest takes no further files. */
  leave(guest: object): void {
    this.#active.delete(guest);
    for (const source of this.#files.keys()) void this.finished(guest, source);
  }

  async #bound(): Promise<void> {
    let held = 0;
    // The newest first: those are what the others want next.
    for (const [source, opening] of [...this.#files].reverse()) {
      const file = await opening.catch(() => undefined);
      held += file?.heldBytes ?? 0;
      if (held > MAX_HELD_BYTES) file?.stopWaiting();
      if (file?.isOver) this.#files.delete(source);
    }
  }
}

/** One guest's view of a shared file; goes its own way where it must. */
class SharedPieces implements Pieces {
  bytes = 0;
  readonly #guest: object;
  readonly #file: SharedFile;
  readonly #openOwn: Open;
  #own: Pieces | undefined;

  constructor(guest: object, file: SharedFile, openOwn: Open) {
    this.#guest = guest;
    this.#file = file;
    this.#openOwn = openOwn;
  }

  /** Who begins further on, because a broken-off copy did the rest, is not in step with the others. */
  async skip(count: number): Promise<string> {
    this.#file.leave(this.#guest);
    this.#own = await this.#openOwn();
    const sha256 = await this.#own.skip(count);
    this.bytes = this.#own.bytes;
    return sha256;
  }

  async next(): Promise<Piece | undefined> {
    const shared = this.#own ? 'left behind' : await this.#file.next(this.#guest);
    if (shared === 'left behind') return this.#nextOwn();
    this.bytes += shared?.fileBytes ?? 0;
    return shared;
  }

  sha256(): string {
    return (this.#own ?? this.#file).sha256();
  }

  async close(): Promise<void> {
    this.#file.leave(this.#guest);
    await this.#own?.close();
  }

  async #nextOwn(): Promise<Piece | undefined> {
    if (!this.#own) await this.skip(this.bytes);
    const piece = await this.#own?.next();
    this.bytes = this.#own?.bytes ?? 0;
    return piece;
  }
}
