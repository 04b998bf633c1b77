import { isAborted } from '../../text/abort.ts';
import { inEnglish, type Message, message } from '../messages/message.ts';
import type { CopySummary } from './transfer.ts';

/** Why a copy as a whole came to nothing. `message` is English and for logs. */
export class TransferFailure extends Error {
  override readonly name = 'TransferFailure';
  readonly code: string;
  /** For the user. */
  readonly explanation: Message;
  /** What had been done by then. */
  readonly partial: CopySummary | undefined;

  constructor(
    code: string,
    explanation: Message,
    options: ErrorOptions & { partial?: CopySummary | undefined } = {},
  ) {
    super(inEnglish(explanation), options);
    this.code = code;
    this.explanation = explanation;
    this.partial = options.partial;
  }
}

/** What users see of any error: the extension's API and the list of transfers know no other. */
export function asFailure(error: unknown): TransferFailure {
  if (error instanceof TransferFailure) return error;
  return isAborted(error)
    ? new TransferFailure('aborted', message('copy.cancelled'), { cause: error })
    : new TransferFailure('internal', message('copy.unexpected'), { cause: error });
}
