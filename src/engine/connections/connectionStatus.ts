import type { Message } from '../messages/message.ts';

export type ConnectionStatus =
  /** Nobody has wanted it yet, or not for a while. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly readOnly: boolean }
  | {
      readonly kind: 'failed';
      /** LibvirtErrorCode. */
      readonly code: string;
      readonly message: Message;
      /** It worked before, and its last list of domains is still there. */
      readonly wasConnected: boolean;
      /** It is tried again by itself. */
      readonly retrying: boolean;
    };

/** Where trying again by itself helps; a refusal would only be repeated, with a password dialog each time. */
const PASSING: ReadonlySet<string> = new Set([
  'no-socket',
  'connection-lost',
  'internal',
  'system',
  'timeout',
]);

export function isPassing(code: string): boolean {
  return PASSING.has(code);
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

/** @param failures - in a row, from 1 */
export function backOffMs(failures: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1));
}
