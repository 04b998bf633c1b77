import { isAborted } from '../../text/abort.ts';
import type { CopySummary } from './transfer.ts';

/** Why a copy as a whole came to nothing; `message` is one sentence, safe to show. */
export class TransferFailure extends Error {
  override readonly name = 'TransferFailure';
  readonly code: string;
  /** What had been done by then. */
  readonly partial: CopySummary | undefined;

  constructor(
    code: string,
    message: string,
    options: ErrorOptions & { partial?: CopySummary | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.partial = options.partial;
  }
}

export function isCancellation(error: unknown): boolean {
  return isAborted(error) || (error instanceof TransferFailure && error.code === 'aborted');
}
