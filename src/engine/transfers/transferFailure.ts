import { isAborted } from '../../text/abort.ts';
import { inEnglish, type Message } from '../messages/message.ts';
import type { Outcome } from './transfer.ts';

/** Why a copy as a whole came to nothing. `message` is English and for logs. */
export class TransferFailure extends Error {
  override readonly name = 'TransferFailure';
  readonly code: string;
  /** For the user. */
  readonly explanation: Message;
  /** What had been done by then. */
  readonly partial: Outcome | undefined;

  constructor(
    code: string,
    explanation: Message,
    options: ErrorOptions & { partial?: Outcome | undefined } = {},
  ) {
    super(inEnglish(explanation), options);
    this.code = code;
    this.explanation = explanation;
    this.partial = options.partial;
  }
}

export function isCancellation(error: unknown): boolean {
  return isAborted(error) || (error instanceof TransferFailure && error.code === 'aborted');
}
