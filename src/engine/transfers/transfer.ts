import type { LinkDescription } from '../../link/index.ts';
import type { ConflictPolicy, CopyProgress, CopyResult } from '../../transfer/index.ts';
import type { Target } from '../guest/target.ts';
import type { Message } from '../messages/message.ts';
import type { Tally } from './tally.ts';

/** What to copy where. Plain data: it survives a reload of the window. */
export interface CopyRequest {
  readonly target: Target;
  /** Paths of this computer, and URIs of whatever else VS Code can read. */
  readonly sources: readonly string[];
  /** Those of the sources whose text in the editor is meant, saved or not. */
  readonly unsaved: readonly string[];
  readonly destination: string;
  readonly conflict: ConflictPolicy;
  /** Ask nothing about files that are in the guest as an earlier copy left them. */
  readonly repeated?: boolean;
  /**
   * When the user chose where it goes; the parts of one copy have it in common. Without it nobody did (an extension
   * asked for the copy), and it isn't where the next one should go.
   */
  readonly chosenAt?: number;
}

export type TransferState =
  | 'queued'
  | 'running'
  | 'done'
  /** Some or all of the files were not copied. */
  | 'failed'
  | 'cancelled'
  /** VS Code was closed or reloaded in the middle of it. */
  | 'interrupted';

export interface FileHash {
  readonly destination: string;
  readonly sha256: string;
}

/** What a copy came to as a whole, or had come to when it broke off. */
export interface CopySummary extends Tally {
  /** Bytes that an earlier, broken-off copy had brought. */
  readonly resumedFrom: number;
  readonly bytes: number;
  readonly wireBytes: number;
  readonly seconds: number;
  readonly bytesPerSecond: number;
  readonly link: LinkDescription;
  /** Serial ports that carried it side by side, `link` being one of them. */
  readonly lanes: number;
  /** One for each file that failed, or for all that failed for the same reason. At most MAX_LISTED. */
  readonly failures: readonly Message[];
  /** What files could not get or keep in the guest: one for each kind. Older records have none. */
  readonly notes?: readonly Message[];
  /** One for each file of which only the first part was copied, because it has grown since. At most MAX_LISTED. */
  readonly grown?: readonly Message[];
  /** At most MAX_LISTED. */
  readonly hashes: readonly FileHash[];
}

/** Why a copy as a whole came to nothing. */
export interface TransferProblem {
  readonly code: string;
  readonly message: Message;
}

export interface TransferRecord {
  readonly id: string;
  /** What the transfers of one copy into several guests have in common. */
  readonly group?: string | undefined;
  readonly request: CopyRequest;
  readonly state: TransferState;
  /** When its last run began and ended, as `Date.now()`. */
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  readonly outcome?: CopySummary | undefined;
  readonly error?: TransferProblem | undefined;
}

export interface Transfer extends TransferRecord {
  /** While it runs. */
  readonly progress?: CopyProgress | undefined;
  /** A question to the user is open, and this file waits for the answer. */
  readonly asking?: string | undefined;
  /** Of this window only. */
  readonly result?: CopyResult | undefined;
  /** What the layers below threw; for the log, and of this window only. */
  readonly cause?: unknown;
}

/** Enough to look at; a copy of a whole source tree must not fill the window's storage. */
export const MAX_LISTED = 200;

export function isFinished(state: TransferState): boolean {
  return state !== 'queued' && state !== 'running';
}

/** The guest may have kept a part of it. */
export function canResume(state: TransferState): boolean {
  return state === 'cancelled' || state === 'interrupted';
}

/** It failed before anything was sent, for want of a receiver, or of a link that one could answer on. */
export function lacksReceiver({ state, error }: Pick<Transfer, 'state' | 'error'>): boolean {
  return state === 'failed' && (error?.code === 'no-receiver' || error?.code === 'no-link');
}

export function canRetry(state: TransferState): boolean {
  return state === 'failed' || state === 'cancelled' || state === 'interrupted';
}
