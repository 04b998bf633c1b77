/**
 * Adler-32 (RFC 1950) of a window that moves over bytes one at a time: the weak checksum of PROTOCOL.md §6.
 * Its two sums, a = 1 + Σ byte and b = Σ (bytes left in the window · byte) + window, can be carried on by one subtraction
 * and one addition each.
 */
import { mix, type WeakFilter } from './weakFilter.ts';

const MODULUS = 65_521;
/** zlib's figure: so many additions stay below 2³² before the modulus is due. */
const BLOCK = 5_552;

export class RollingAdler {
  #a = 1;
  #b = 0;
  /** What a byte that leaves the window takes from `b`, by the byte: saves a multiplication and a division. */
  readonly #leaving: Int32Array;

  readonly #window: number;

  constructor(windowBytes: number) {
    this.#window = windowBytes;
    this.#leaving = Int32Array.from({ length: 256 }, (_, byte) => (windowBytes * byte + 1) % MODULUS);
  }

  /** The checksum as it goes over the line. */
  get value(): number {
    return ((this.#b << 16) | this.#a) >>> 0;
  }

  /** Begins anew with a whole window. */
  start(bytes: Buffer, from: number, to: number): void {
    let a = 1;
    let b = 0;
    for (let at = from; at < to; ) {
      const end = Math.min(at + BLOCK, to);
      for (; at < end; at += 1) {
        a += bytes[at] as number;
        b += a;
      }
      a %= MODULUS;
      b %= MODULUS;
    }
    this.#a = a;
    this.#b = b;
  }

  /**
   * Moves the window on by one byte, and further while the filter says that no block has its checksum. The one loop
   * that every new byte goes through, so all it needs is in local variables.
   *
   * @param at - where the window begins now
   * @param last - where it must not go past
   * @returns where the window begins then.
   */
  rollOn(bytes: Buffer, at: number, last: number, { places, shift }: WeakFilter): number {
    const leavingOf = this.#leaving;
    const window = this.#window;
    let a = this.#a;
    let b = this.#b;
    do {
      const leaving = bytes[at] as number;
      a += (bytes[at + window] as number) - leaving;
      if (a < 0) a += MODULUS;
      else if (a >= MODULUS) a -= MODULUS;
      b += a - (leavingOf[leaving] as number);
      if (b < 0) b += MODULUS;
      else if (b >= MODULUS) b -= MODULUS;
      at += 1;
    } while (at < last && places[mix((b << 16) | a) >>> shift] === 0);
    this.#a = a;
    this.#b = b;
    return at;
  }
}
