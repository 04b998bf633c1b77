/** Numbers from 0 to just below 1. */
export type Random = () => number;

/** A seeded random generator (mulberry32), so that a failing test fails again. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 to limit − 1. */
export function randomBelow(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => randomBelow(random, 256)));
}

/** Cuts a buffer into chunks of random sizes, 1…`largest` bytes. */
export function randomChunks(bytes: Buffer, random: Random, largest = 64): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + randomBelow(random, largest);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}
