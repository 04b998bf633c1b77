/** Lists of record numbers as PROTOCOL.md §6 writes them: `3,7-9`. */

/**
 * @param count - of the records there are; what the guest says of others, or does not write as it should, is ignored
 */
export function parseRecordNumbers(text: string | undefined, count: number): Set<number> {
  const numbers = new Set<number>();
  for (const part of text?.split(',') ?? []) {
    const run = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part);
    if (!run) continue;
    const last = Math.min(Number(run[2] ?? run[1]), count - 1);
    for (let number = Number(run[1]); number <= last; number += 1) numbers.add(number);
  }
  return numbers;
}
