const UNITS = ['kB', 'MB', 'GB', 'TB'] as const;

/** "740 B", "51.8 kB", "295 MB": three digits, powers of 1000. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit: string = 'B';
  for (const larger of UNITS) {
    // 999.5 would be rounded to a four-digit 1000.
    if (value < 999.5) break;
    value /= 1000;
    unit = larger;
  }
  return unit === 'B'
    ? `${Math.round(value)} B`
    : `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
}

/** "0:07", "12:30", "3:00:00". */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}
