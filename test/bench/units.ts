/** `198 kB/s`, `12.4 MB/s`: three digits are more than the spread bears. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatQuantity(bytesPerSecond)}/s`;
}

export function formatBytes(bytes: number): string {
  return formatQuantity(bytes);
}

/** SI prefixes, as the paper's bytes/s and the disks' sizes have them. */
function formatQuantity(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${threeDigits(bytes / 1000 ** power)} ${units[power]}`;
}

export function formatSeconds(seconds: number): string {
  return `${threeDigits(seconds)} s`;
}

/** `40 s`, `12 min`: for waiting, not for comparing. */
export function formatDuration(seconds: number): string {
  return seconds < 100 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

export function threeDigits(value: number): string {
  if (value === 0) return '0';
  const decimals = Math.min(3, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(decimals);
}
