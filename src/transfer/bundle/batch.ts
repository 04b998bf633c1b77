/** Gathers what goes over together, up to what one stream may hold. */
import { BUNDLE_HEADER_BYTES, MAX_BUNDLE_RECORDS } from '../../protocol/index.ts';
import type { BundleItem } from './bundleItem.ts';

export class Batch {
  readonly #maxBytes: number;
  readonly #withContents: boolean;
  #items: BundleItem[] = [];
  #bytes = 0;

  constructor(maxBytes: number, withContents: boolean) {
    this.#maxBytes = maxBytes;
    this.#withContents = withContents;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  fits(item: BundleItem): boolean {
    return this.#items.length < MAX_BUNDLE_RECORDS && this.#bytes + this.#bytesOf(item) <= this.#maxBytes;
  }

  add(item: BundleItem): void {
    this.#items.push(item);
    this.#bytes += this.#bytesOf(item);
  }

  /** Whether the directory that holds this path is made here. */
  makesParentOf(path: string): boolean {
    return this.#items.some(item => item.kind === 'directory' && path.startsWith(item.path));
  }

  take(): BundleItem[] {
    this.#bytes = 0;
    return this.#items.splice(0);
  }

  #bytesOf({ kind, entry, name }: BundleItem): number {
    const contents = this.#withContents && kind === 'file' ? entry.info.size : 0;
    // One for the separator at the end of a directory's name.
    return BUNDLE_HEADER_BYTES + name.length + 1 + contents;
  }
}
