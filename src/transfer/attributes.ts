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

/** The latest time, and before 1970 the earliest, that a field of twelve digits can give; no file is that old. */
const LAST_FIELD_NS = 999_999_999_999_999_999_999n;
const LAST_RECORD_NS = 2n ** 63n - 1n;

export function mtimeField(info: SourceInfo): string {
  const exact = mtimeNanoseconds(info);
  const sign = exact < 0n ? '-' : '';
  const size = exact < 0n ? -exact : exact;
  const nanoseconds = size > LAST_FIELD_NS ? LAST_FIELD_NS : size;
  return `${sign}${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}`;
}

/** Whether a field can only give another time. */
export function isBeyondFields(info: SourceInfo): boolean {
  const nanoseconds = mtimeNanoseconds(info);
  return nanoseconds > LAST_FIELD_NS || nanoseconds < -LAST_FIELD_NS;
}

/** Whether a bundle's record can't give its time. */
export function isBeyondRecords(info: SourceInfo): boolean {
  const nanoseconds = mtimeNanoseconds(info);
  return nanoseconds > LAST_RECORD_NS || nanoseconds < -LAST_RECORD_NS;
}

/** As 64 bits, of which all set mean none: -1 is written as -2, which is the same microsecond. */
export function mtimeOfRecord(info: SourceInfo): bigint {
  const nanoseconds = mtimeNanoseconds(info);
  return BigInt.asUintN(64, nanoseconds === -1n ? -2n : nanoseconds);
}

/** Since 1970; negative before. */
export function mtimeNanoseconds(info: SourceInfo): bigint {
  return info.mtimeNs ?? BigInt(Math.round(info.mtimeMs * 1e6));
}
