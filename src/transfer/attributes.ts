/** Mode and mtime as PROTOCOL.md §2 writes them. */
import type { SourceInfo } from './sourceSystem.ts';

const PERMISSION_BITS = 0o777;

export function modeField(info: SourceInfo, extraBits = 0): string | undefined {
  return info.mode === undefined ? undefined : ((info.mode & PERMISSION_BITS) | extraBits).toString(8);
}

export function mtimeField(info: SourceInfo): string {
  const nanoseconds = info.mtimeNs ?? BigInt(Math.round(info.mtimeMs * 1e6));
  const positive = nanoseconds < 0n ? 0n : nanoseconds;
  return `${positive / 1_000_000_000n}.${String(positive % 1_000_000_000n).padStart(9, '0')}`;
}
