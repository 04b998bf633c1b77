import { isAborted } from '../../text/abort.ts';
import { l10n } from '../support/l10n.ts';
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

/** What users see of any error: the extension's API and the list of transfers know no other. */
export function asFailure(error: unknown): TransferFailure {
  if (error instanceof TransferFailure) return error;
  if (isAborted(error)) {
    return new TransferFailure('aborted', l10n.t('The copy was cancelled.'), { cause: error });
  }
  return new TransferFailure('internal', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}
