/** What is expected of a line before anything is measured, by the name that the receiver's WELCOME gives its port. */

/** A serial line, or something unknown. */
export function isSlowLine(device: string): boolean {
  return device !== 'console' && device !== 'channel';
}

/** Bytes per second. */
export function lineRate(device: string): number {
  return device === 'channel' ? 300e6 : device === 'console' ? 14e6 : 150e3;
}
