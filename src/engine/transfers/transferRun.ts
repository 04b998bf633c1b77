/** One transfer at work, and which of its guest's links it keeps from others. */
import type { CopyProgress } from '../../transfer/index.ts';
import type { Turn } from '../../transfer/queue.ts';
import { type Target, targetKey } from '../guest/target.ts';
import type { Transfer } from './transfer.ts';

/** What a run tells others of its guest's links, and learns of theirs. */
export interface LinkUse {
  /** It has only a slow link of a domain that has a faster one: others may try theirs meanwhile. */
  onSideLink(device: string): void;
  /** Whether another one has such a link, so that a guest that doesn't answer may be a busy one. */
  isBeside(): boolean;
}

/** A transfer whose turn it is. */
export interface TransferRun extends WaitingRun {
  readonly links: LinkUse;
}

/** The same while it waits. */
export interface WaitingRun {
  readonly transfer: Transfer;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CopyProgress) => void;
  /** Of which file the user is being asked; undefined when that is over. */
  readonly onAsking: (file: string | undefined) => void;
}

/** What it can't share: the guest's best link, which is known only once it's open, and one that is named. */
export function linksOf(target: Target): string[] {
  const guest = targetKey(target);
  const isNamed = target.kind === 'domain' && target.link !== 'auto';
  return isNamed ? [guest, linkOf(guest, target.link)] : [guest];
}

function linkOf(guest: string, device: string): string {
  return `${guest} ${device}`;
}

export function linkUse({ transfer }: WaitingRun, turn: Turn): LinkUse {
  const guest = targetKey(transfer.request.target);
  return {
    onSideLink: device => turn.exchange(guest, linkOf(guest, device)),
    isBeside: () => turn.whenAlone(guest) !== undefined,
  };
}

/** Fires when none of them is wanted any more. */
export function allAborted(runs: readonly WaitingRun[]): AbortSignal {
  const controller = new AbortController();
  const check = () => {
    if (runs.every(({ signal }) => signal.aborted)) controller.abort();
  };
  for (const { signal } of runs) signal.addEventListener('abort', check, { once: true });
  check();
  return controller.signal;
}
