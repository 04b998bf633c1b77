/**
 * One error type for what goes wrong: libvirt's refusals, a lost connection, a bad packet.
 * Numbers: include/libvirt/virterror.h (virErrorNumber, virErrorDomain).
 */

export type LibvirtErrorCode =
  | 'access-denied' // the socket exists, its permissions keep us out
  | 'auth-failed' // the daemon offers no way to authenticate that we have, or the way failed
  | 'bad-device' // no such console or channel, or one that can't be opened as a stream
  | 'bad-uri'
  | 'busy' // another client holds the console or channel
  | 'config' // the domain's XML is refused
  | 'connection-lost' // the daemon went away or fell silent
  | 'denied' // polkit or access control says no
  | 'internal' // libvirt's own internal error
  | 'invalid-argument'
  | 'no-domain'
  | 'no-metadata'
  | 'no-pool' // no storage pool of that name
  | 'no-socket' // libvirt isn't there, or doesn't run
  | 'no-volume' // no storage volume of that name in the pool
  | 'operation-failed'
  | 'operation-invalid' // wrong state: already running, shut off …
  | 'protocol' // the peer sent what libvirt never sends
  | 'read-only' // a read-only connection
  | 'stalled' // the guest did not take the last bytes of a finished stream
  | 'stream-failed' // the daemon ended a stream: the device went away, or another client took it
  | 'system' // the daemon's operating system refused something
  | 'timeout'
  | 'unsupported'
  | 'volume-exists';

const CODE_OF_NUMBER: ReadonlyMap<number, LibvirtErrorCode> = new Map([
  [1, 'internal'], // VIR_ERR_INTERNAL_ERROR
  [3, 'unsupported'], // VIR_ERR_NO_SUPPORT
  [8, 'invalid-argument'], // VIR_ERR_INVALID_ARG
  [9, 'operation-failed'], // VIR_ERR_OPERATION_FAILED
  [27, 'config'], // VIR_ERR_XML_ERROR
  [29, 'read-only'], // VIR_ERR_OPERATION_DENIED
  [35, 'config'], // VIR_ERR_XML_DETAIL
  [38, 'system'], // VIR_ERR_SYSTEM_ERROR
  [42, 'no-domain'], // VIR_ERR_NO_DOMAIN
  [45, 'denied'], // VIR_ERR_AUTH_FAILED
  [49, 'no-pool'], // VIR_ERR_NO_STORAGE_POOL
  [50, 'no-volume'], // VIR_ERR_NO_STORAGE_VOL
  [55, 'operation-invalid'], // VIR_ERR_OPERATION_INVALID
  [67, 'config'], // VIR_ERR_CONFIG_UNSUPPORTED
  [68, 'timeout'], // VIR_ERR_OPERATION_TIMEOUT
  [79, 'denied'], // VIR_ERR_AUTH_CANCELLED
  [80, 'no-metadata'], // VIR_ERR_NO_DOMAIN_METADATA
  [84, 'unsupported'], // VIR_ERR_OPERATION_UNSUPPORTED
  [88, 'denied'], // VIR_ERR_ACCESS_DENIED
  [90, 'volume-exists'], // VIR_ERR_STORAGE_VOL_EXIST
  [94, 'denied'], // VIR_ERR_AUTH_UNAVAILABLE
]);

/** VIR_FROM_AUTH: the daemon reports a failed authentication as an "internal error" of this domain. */
const DOMAIN_AUTH = 47;

export interface LibvirtErrorDetails {
  /** libvirt's virErrorNumber, when the daemon said so. */
  readonly number?: number | undefined;
  /** libvirt's virErrorDomain: the part of libvirt that raised it. */
  readonly domain?: number | undefined;
  readonly cause?: unknown;
}

export class LibvirtError extends Error {
  override readonly name = 'LibvirtError';
  readonly code: LibvirtErrorCode;
  readonly number: number | undefined;
  readonly domain: number | undefined;

  constructor(code: LibvirtErrorCode, message: string, details: LibvirtErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.number = details.number;
    this.domain = details.domain;
  }
}

export function isLibvirtError(error: unknown): error is LibvirtError {
  return error instanceof LibvirtError;
}

export function codeOfNumber(number: number, domain: number): LibvirtErrorCode {
  if (number === 1 && domain === DOMAIN_AUTH) return 'auth-failed';
  return CODE_OF_NUMBER.get(number) ?? 'operation-failed';
}

/** A cancellation is no error of libvirt's: it is the platform's AbortError, as callers know it from `fetch`. */
export function abortError(): DOMException {
  return new DOMException('The call to libvirt was cancelled.', 'AbortError');
}

export function closedError(): LibvirtError {
  return new LibvirtError('connection-lost', 'The connection to libvirt is closed.');
}

export function silenceError(): LibvirtError {
  return new LibvirtError(
    'connection-lost',
    "libvirt's daemon does not answer; is it running and not stopped?",
  );
}

/** `what` the daemon sent that it never should. */
export function protocolError(what: string): LibvirtError {
  return new LibvirtError('protocol', `libvirt's daemon sent ${what}; nothing it says can be relied on now.`);
}
