import { isProtocolError } from '../protocol/index.ts';
import { isAborted } from '../text/abort.ts';

/** A copy that could not even begin, or a source that could not be read; `code` as in FileResult's errors. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
  readonly code: string;
  /** The path concerned, in the guest or on the host. */
  readonly path: string | undefined;

  constructor(code: string, message: string, path?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

/** Two named sources, of which one at least is no folder, have the same name in the guest. */
export class SameNameError extends TransferError {
  readonly sources: readonly [string, string];

  constructor(name: string, sources: readonly [string, string]) {
    super('same-name', 'two sources have the same name in the guest', name);
    this.sources = sources;
  }
}

/** What ends the whole copy rather than one file's: the session's end, or the user's cancellation. */
export function endsCopy(error: unknown): error is Error {
  return isProtocolError(error) || isAborted(error);
}
