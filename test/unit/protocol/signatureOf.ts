// The signature of PROTOCOL.md §6, written down as plainly as it can be.
import { hash } from 'node:crypto';

export function adler32(bytes: Buffer): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}

export function signatureOf(bytes: Buffer, block: number): Buffer {
  const entries: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += block) {
    const part = bytes.subarray(at, at + block);
    const weak = Buffer.alloc(4);
    weak.writeUInt32BE(adler32(part));
    entries.push(weak, hash('sha256', part, 'buffer').subarray(0, 8));
  }
  return Buffer.concat(entries);
}
