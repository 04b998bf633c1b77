export type LinkErrorCode =
  | 'bad-xml' // the domain's XML is too large or not XML
  | 'busy' // another program holds the device
  | 'device-failed' // the host's device can't be opened for another reason
  | 'device-lost' // the host's device went away while it was open
  | 'device-missing' // the host has no such device
  | 'device-permission' // the host's user may not open the device
  | 'no-link' // the domain has no link that may be tried without being named
  | 'no-receiver' // nobody answered on any link tried
  | 'no-such-device' // the domain has no device of that name
  | 'not-openable'; // the device is there, but not as a stream

/** One link that was tried in vain, and what came of it ("did not answer", "is in use by another program"). */
export interface Attempt {
  readonly device: string;
  readonly label: string;
  readonly outcome: string;
}

export interface LinkErrorDetails {
  readonly device?: string | undefined;
  readonly attempts?: readonly Attempt[] | undefined;
  readonly available?: readonly string[] | undefined;
  readonly cause?: unknown;
}

/**
 * Why no link came about. `message` is one sentence for people; names in it are as the domain gave them, so
 * whoever prints it makes control characters harmless.
 */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;
  readonly device: string | undefined;
  readonly attempts: readonly Attempt[];
  readonly available: readonly string[];

  constructor(code: LinkErrorCode, message: string, details: LinkErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.device = details.device;
    this.attempts = details.attempts ?? [];
    this.available = details.available ?? [];
  }
}

export function isLinkError(error: unknown): error is LinkError {
  return error instanceof LinkError;
}
