/** Mode and mtime as PROTOCOL.md §2 writes them. */
import type { SourceInfo } from './sourceSystem.ts';

const PERMISSION_BITS = 0o777;
const EXECUTE_BITS = 0o111;

export function modeBits(info: SourceInfo, extraBits = 0): number | undefined {
  return info.mode === undefined ? undefined : (info.mode & PERMISSION_BITS) | extraBits;
}

export function modeField(info: SourceInfo, extraBits = 0): string | undefined {
  return modeBits(info, extraBits)?.toString(8);
}

/** The execute bits that the source has and a file in the guest, of this mode, lacks. */
export function executeField(info: SourceInfo, mode: string | undefined): string | undefined {
  if (info.mode === undefined || mode === undefined || !/^[0-7]{1,7}$/.test(mode)) return undefined;
  const lacking = info.mode & EXECUTE_BITS & ~Number.parseInt(mode, 8);
  return lacking === 0 ? undefined : lacking.toString(8);
}

/** As PROTOCOL.md §6 compares times: in whole microseconds, rounded down. */
export function isSameTime(info: SourceInfo, mtime: string): boolean {
  const [, sign, whole = '', fraction = ''] = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(mtime) ?? [];
  const nanoseconds = BigInt(`${sign ?? ''}${whole}${fraction.padEnd(9, '0')}`);
  return whole !== '' && microseconds(nanoseconds) === microseconds(mtimeNanoseconds(info));
}

function microseconds(nanoseconds: bigint): bigint {
  return (nanoseconds < 0n ? nanoseconds - 999n : nanoseconds) / 1_000n;
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
