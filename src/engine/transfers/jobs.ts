import type { Transfer } from './transfer.ts';

/** One copy as a person started it: into one guest, or the same files into several, each a transfer of its own. */
export type Job = readonly [Transfer, ...Transfer[]];

export function jobKey({ id, group }: Pick<Transfer, 'id' | 'group'>): string {
  return group ?? id;
}

/** In the order of the list's transfers, each job at its first. */
export function jobsOf(transfers: readonly Transfer[]): Job[] {
  return [...Map.groupBy(transfers, jobKey).values()].flatMap(([first, ...others]) =>
    first ? [[first, ...others] as const] : [],
  );
}

/** The whole job that the transfer is part of. */
export function jobOf(transfers: readonly Transfer[], transfer: Transfer): Job {
  const [first = transfer, ...others] = transfers.filter(one => jobKey(one) === jobKey(transfer));
  return [first, ...others];
}
