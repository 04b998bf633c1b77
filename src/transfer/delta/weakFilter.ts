/** Says of a weak checksum that no block has it, without a look at the table; seldom wrong, and then only too hopeful. */

/** Places a block: one of sixteen is taken, so fifteen bytes of sixteen need no look at the table. */
const PLACES_PER_BLOCK = 16;
/** 4 MiB for the largest basis; more would fall out of the processor's cache. */
const MAX_BITS = 22;

export class WeakFilter {
  readonly places: Uint8Array;
  /** How far the mixed checksum is shifted to give a place. */
  readonly shift: number;

  constructor(blocks: number) {
    const bits = Math.min(MAX_BITS, Math.ceil(Math.log2(PLACES_PER_BLOCK * Math.max(1, blocks))));
    this.places = new Uint8Array(2 ** bits);
    this.shift = 32 - bits;
  }

  add(weak: number): void {
    this.places[mix(weak) >>> this.shift] = 1;
  }
}

/** Spreads both sums over the upper bits: in short blocks the one varies more, in text the other hardly at all. */
export function mix(weak: number): number {
  return Math.imul(weak ^ (weak >>> 15), 0x9e37_79b1);
}
