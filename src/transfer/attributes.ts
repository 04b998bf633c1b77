/** Mode and mtime as PROTOCOL.md §2 writes them. */
import type { SourceInfo } from './sourceSystem.ts';

const PERMISSION_BITS = 0o777;

export function modeBits(info: SourceInfo, extraBits = 0): number | undefined {
  return info.mode === undefined ? undefined : (info.mode & PERMISSION_BITS) | extraBits;
}

export function modeField(info: SourceInfo, extraBits = 0): string | undefined {
  return modeBits(info, extraBits)?.toString(8);
}

export function mtimeField(info: SourceInfo): string {
  const nanoseconds = mtimeNanoseconds(info);
  return `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}`;
}

/** Since 1970; what is older counts as that. */
export function mtimeNanoseconds(info: SourceInfo): bigint {
  const nanoseconds = info.mtimeNs ?? BigInt(Math.round(info.mtimeMs * 1e6));
  return nanoseconds < 0n ? 0n : nanoseconds;
}
