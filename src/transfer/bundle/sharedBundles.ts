/**
 * The bundles that several guests get at about the same time, each made once for all of them. Where what is there
 * already makes them differ, at least the contents are not read and hashed again. Nobody waits for a slower guest:
 * one that is further behind than what is kept makes its own.
 */
import { hash } from 'node:crypto';
import { BUNDLE_HEADER_BYTES } from '../../protocol/index.ts';
import { mtimeNanoseconds } from '../attributes.ts';
import type { SourceInfo } from '../sourceSystem.ts';
import type { Bundle, BundlePart } from './bundle.ts';
import type { BundleItem } from './bundleItem.ts';
import { recordOf } from './bundleRecord.ts';
import type { Contents, KnownContents } from './readContents.ts';

/** Of streams that are kept for guests that have not come to them yet; what they are compressed to is less. */
const MAX_HELD_BYTES = 16 << 20;
/** What keeping one takes beside its stream, so that tiny ones are bounded too. */
const OVERHEAD_BYTES = 8 * 1_024;

type Make = (known: readonly KnownContents[]) => Promise<Bundle>;

interface SharedBundle {
  readonly items: readonly BundleItem[];
  readonly heldBytes: number;
  readonly made: Promise<Bundle>;
  /** Guests that may still want it. */
  readonly awaited: Set<object>;
}

interface SharedContents {
  readonly bundle: SharedBundle;
  /** Of the item. */
  readonly index: number;
  /** What it was when it was looked at. */
  readonly info: SourceInfo;
}

export class SharedBundles {
  readonly #active: Set<object>;
  readonly #maxHeldBytes: number;
  /** By what makes two of them the same; the oldest first. */
  readonly #bundles = new Map<string, SharedBundle>();
  /** By source, where its contents are. */
  readonly #files = new Map<string, SharedContents>();
  #heldBytes = 0;

  /** @param guests - one object a guest; all of them take the very same pieces */
  constructor(guests: Iterable<object>, maxHeldBytes = MAX_HELD_BYTES) {
    this.#active = new Set(guests);
    this.#maxHeldBytes = maxHeldBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** @param make - makes it on this guest's behalf */
  take(guest: object, items: readonly BundleItem[], make: Make): Promise<Bundle> {
    const key = keyOf(items);
    const bundle = this.#bundles.get(key) ?? this.#begin(key, items, make);
    bundle.awaited.delete(guest);
    if (bundle.awaited.size === 0) this.#drop(key);
    this.#bound();
    return bundle.made;
  }

  /** The guest takes nothing more. */
  leave(guest: object): void {
    this.#active.delete(guest);
    for (const [key, { awaited }] of this.#bundles) {
      awaited.delete(guest);
      if (awaited.size === 0) this.#drop(key);
    }
  }

  #begin(key: string, items: readonly BundleItem[], make: Make): SharedBundle {
    // Looked up before this one is entered: so they only ever wait for older ones, and never for each other.
    const made = make(items.map(item => this.#find(item)));
    const bundle = { items, heldBytes: heldBytesOf(items), made, awaited: new Set(this.#active) };
    this.#bundles.set(key, bundle);
    this.#heldBytes += bundle.heldBytes;
    for (const [index, { kind, entry }] of items.entries())
      if (kind === 'file') this.#files.set(entry.source, { bundle, index, info: entry.info });
    // Who comes later tries again.
    made.catch(() => this.#drop(key, bundle));
    return bundle;
  }

  #find({ kind, entry }: BundleItem): KnownContents {
    const found = kind === 'file' && this.#files.get(entry.source);
    if (!found || !isUnchanged(found.info, entry.info)) return undefined;
    const { bundle, index } = found;
    return bundle.made.then(
      ({ parts }) => contentsOf(parts[index]),
      () => undefined,
    );
  }

  /** @param bundle - if given, only this one: another may have its place by now */
  #drop(key: string, bundle = this.#bundles.get(key)): void {
    if (!bundle || this.#bundles.get(key) !== bundle) return;
    this.#bundles.delete(key);
    this.#heldBytes -= bundle.heldBytes;
    for (const { entry } of bundle.items)
      if (this.#files.get(entry.source)?.bundle === bundle) this.#files.delete(entry.source);
  }

  /** The newest stay: those are what the others want next. */
  #bound(): void {
    for (const key of this.#bundles.keys()) {
      if (this.#heldBytes <= this.#maxHeldBytes) return;
      this.#drop(key);
    }
  }
}

/** The same files, as they were looked at, under the same names. */
function keyOf(items: readonly BundleItem[]): string {
  const parts = items.flatMap(item => [recordOf(item), Buffer.from(`${item.kind} ${item.entry.source}\0`)]);
  return hash('sha256', Buffer.concat(parts));
}

function heldBytesOf(items: readonly BundleItem[]): number {
  const bytes = ({ kind, name, entry }: BundleItem) =>
    BUNDLE_HEADER_BYTES + name.length + (kind === 'file' ? entry.info.size : 0);
  return items.reduce((sum, item) => sum + bytes(item), OVERHEAD_BYTES);
}

function isUnchanged(before: SourceInfo, now: SourceInfo): boolean {
  return before.size === now.size && mtimeNanoseconds(before) === mtimeNanoseconds(now);
}

function contentsOf(part: BundlePart | undefined): Contents | undefined {
  return typeof part === 'object' ? part : undefined;
}
