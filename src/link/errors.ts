import type { Occupant } from '../text/prompts.ts';
import type { Candidate } from './candidate.ts';
import type { LinkDescription, OsFamily } from './link.ts';

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

/** One link that was tried in vain, and what came of it. */
export interface Attempt {
  readonly link: LinkDescription;
  readonly outcome: AttemptOutcome;
}

export type AttemptOutcome =
  | 'busy' // another program holds it
  | 'closed-in-guest' // no program in the guest has the channel open
  | 'not-opened' // it couldn't be opened, or not in time
  | 'silent' // it opened, and nobody answered
  | Occupant; // it opened, and somebody else is there

/** What a program can tell its users with words of its own. */
export interface LinkErrorDetails {
  /** The domain's name; undefined for a port of the host. */
  readonly domain?: string | undefined;
  readonly osFamily?: OsFamily | undefined;
  /** What was asked for: an alias, a channel's name, a host's path. */
  readonly device?: string | undefined;
  /** The device it is about, with why it can't be used. */
  readonly candidate?: Candidate | undefined;
  readonly attempts?: readonly Attempt[] | undefined;
  /** Devices that a person may name. */
  readonly available?: readonly string[] | undefined;
  readonly cause?: unknown;
}

/**
 * Why no link came about. `message` is English and for logs; for users there are `code` and the details, with names as
 * the domain gave them: whoever shows them makes control characters harmless.
 */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;
  readonly domain: string | undefined;
  readonly osFamily: OsFamily;
  readonly device: string | undefined;
  readonly candidate: Candidate | undefined;
  readonly attempts: readonly Attempt[];
  readonly available: readonly string[];

  constructor(code: LinkErrorCode, message: string, details: LinkErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.domain = details.domain;
    this.osFamily = details.osFamily ?? 'unknown';
    this.device = details.device;
    this.candidate = details.candidate;
    this.attempts = details.attempts ?? [];
    this.available = details.available ?? [];
  }
}

export function isLinkError(error: unknown): error is LinkError {
  return error instanceof LinkError;
}
