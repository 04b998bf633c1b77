/** The files that several guests get at the same time, each read once for all of them. */
import type { Piece, Pieces } from './pieces.ts';
import { SharedFile } from './sharedFile.ts';
import type { SourceVersion } from './sourceVersion.ts';
import type { SourceChange } from './versionedFile.ts';

/** Kept for guests that have not come to a file yet; a guest further behind reads for itself. */
const MAX_HELD_BYTES = 16 << 20;

type Open = () => Promise<Pieces>;

interface SharedSource {
  /** By version, once somebody has opened it, until all who wanted it have it. Only a file that changes has several. */
  readonly openings: Map<string, Promise<SharedFile>>;
  /** Guests that will not open it any more, be it that they never did. */
  readonly done: Set<object>;
}

interface KnownSource {
  readonly source: string;
  /** What the guest was told: guests that looked at different versions don't share what is read. */
  readonly info: SourceVersion;
}

export class SharedSources {
  readonly #active: Set<object>;
  /** Until every guest is done with it. */
  readonly #sources = new Map<string, SharedSource>();

  /** @param guests - one object a guest; all of them take the very same pieces */
  constructor(guests: Iterable<object>) {
    this.#active = new Set(guests);
  }

  /** @param openOwn - opens the file for this guest alone */
  async open(guest: object, { source, info }: KnownSource, openOwn: Open): Promise<Pieces> {
    const shared = this.#find(source);
    const version = versionKey(info);
    for (const [other, opening] of shared.openings) if (other !== version) void leave(shared, opening, guest);
    const opening = shared.openings.get(version) ?? this.#begin(shared, version, openOwn);
    const file = await opening;
    await this.#bound();
    return file.join(guest) ? new SharedPieces(guest, file, openOwn) : openOwn();
  }

  /** The guest is done with this file, whether it read it or not. */
  async finished(guest: object, source: string): Promise<void> {
    const shared = this.#find(source);
    shared.done.add(guest);
    if ([...this.#active].every(active => shared.done.has(active))) this.#sources.delete(source);
    await Promise.all([...shared.openings.values()].map(opening => leave(shared, opening, guest)));
  }

  /** The guest takes no further files. */
  leave(guest: object): void {
    this.#active.delete(guest);
    for (const source of this.#sources.keys()) void this.finished(guest, source);
  }

  #find(source: string): SharedSource {
    const known = this.#sources.get(source);
    if (known) return known;
    const shared = { openings: new Map<string, Promise<SharedFile>>(), done: new Set<object>() };
    this.#sources.set(source, shared);
    return shared;
  }

  #begin(shared: SharedSource, version: string, openOwn: Open): Promise<SharedFile> {
    const isAwaited = (guest: object) => !shared.done.has(guest);
    const opening = openOwn().then(pieces => new SharedFile(pieces, [...this.#active].filter(isAwaited)));
    shared.openings.set(version, opening);
    // Who comes later tries again.
    opening.catch(() => forget(shared, opening));
    return opening;
  }

  async #bound(): Promise<void> {
    let held = 0;
    // The newest first: those are what the others want next.
    for (const shared of [...this.#sources.values()].reverse()) {
      for (const opening of [...shared.openings.values()].reverse()) {
        const file = await opening.catch(() => undefined);
        held += file?.heldBytes ?? 0;
        if (held > MAX_HELD_BYTES) file?.stopWaiting();
        if (file?.isOver) forget(shared, opening);
      }
    }
  }
}

function versionKey({ size, mtimeMs, mtimeNs, ctimeNs, inode }: SourceVersion): string {
  return [size, mtimeNs ?? mtimeMs, ctimeNs, inode].join();
}

/** Never rejects. */
async function leave(shared: SharedSource, opening: Promise<SharedFile>, guest: object): Promise<void> {
  const file = await opening.catch(() => undefined);
  file?.leave(guest);
  if (file?.isOver) forget(shared, opening);
}

/** Another one may have its place by now. */
function forget(shared: SharedSource, opening: Promise<SharedFile>): void {
  for (const [version, current] of shared.openings) if (current === opening) shared.openings.delete(version);
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

  finish(): Promise<SourceChange | undefined> {
    return (this.#own ?? this.#file).finish();
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
