import type { Occupant } from '../text/prompts.ts';

/** What can go wrong with the link or the receiver as a whole; the session is over after any of these. */
export type ProtocolErrorCode =
  /** nobody answered in time */
  | 'no-receiver'
  /** somebody else is at the other end: a login or a shell */
  | 'occupied'
  /** the receiver speaks no version of the protocol that we do */
  | 'version'
  /** the receiver stopped answering */
  | 'lost'
  /** the link was closed under us */
  | 'closed'
  /** the receiver ended the session: it was stopped or restarted */
  | 'reset';

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;
  /** Who has the line; only with `occupied`. */
  readonly occupant: Occupant | undefined;

  constructor(
    code: ProtocolErrorCode,
    message: string,
    options?: ErrorOptions & { occupant?: Occupant | undefined },
  ) {
    super(message, options);
    this.code = code;
    this.occupant = options?.occupant;
  }
}

/** The receiver refused or failed one request; `code` is one of PROTOCOL.md §5. The session goes on. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly code: string;
  readonly path: string | undefined;
  /** The guest system's name of the error, such as ENOSPC. */
  readonly errno: string | undefined;
  /** The answer's other fields, such as what `exists` says of the file that is there. */
  readonly details: ReadonlyMap<string, string>;

  constructor(code: string, message: string, details: ReadonlyMap<string, string>) {
    super(message);
    this.code = code;
    this.details = details;
    this.path = details.get('path');
    this.errno = details.get('errno');
  }
}

export function isProtocolError(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError;
}

export function isRemoteError(error: unknown, code?: string): error is RemoteError {
  return error instanceof RemoteError && (code === undefined || error.code === code);
}
