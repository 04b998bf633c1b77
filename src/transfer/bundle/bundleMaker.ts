/** Makes the bundles of one guest's copy, or shares the making with copies to other guests. */
import type { EncodedSources } from '../pieces.ts';
import { type Bundle, makeBundle } from './bundle.ts';
import type { BundleItem } from './bundleItem.ts';
import type { SharedBundles } from './sharedBundles.ts';

export class BundleMaker {
  readonly #sources: EncodedSources;
  readonly #guest: object;
  readonly #shared: SharedBundles | undefined;

  /** @param sharing - where there are other guests, and which of them this one is */
  constructor(
    sources: EncodedSources,
    sharing?: { readonly guest: object; readonly bundles: SharedBundles },
  ) {
    this.#sources = sources;
    this.#guest = sharing?.guest ?? this;
    this.#shared = sharing?.bundles;
  }

  make(items: readonly BundleItem[]): Promise<Bundle> {
    return (
      this.#shared?.take(this.#guest, items, known => makeBundle(this.#sources, items, known)) ??
      makeBundle(this.#sources, items)
    );
  }

  /** No further bundle will be made. */
  close(): void {
    this.#shared?.leave(this.#guest);
  }
}
