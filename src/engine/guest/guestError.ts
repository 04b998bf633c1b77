import type { DomainState } from 'libvirt';

/** States in which a domain takes no copy. */
export type IdleState = Extract<DomainState, 'shutoff' | 'shutdown' | 'crashed' | 'paused' | 'pmsuspended'>;

/** What is wrong with the domain, or with the way to it, as found out by asking libvirt. */
export type GuestErrorDetails =
  | { readonly code: 'not-running'; readonly domain: string; readonly state: IdleState }
  /** In the middle of a copy. */
  | { readonly code: 'domain-stopped'; readonly domain: string }
  /** In the middle of a copy: libvirt's daemon went away. */
  | { readonly code: 'connection-lost'; readonly uri: string };

/** `message` is English and for logs. */
export class GuestError extends Error {
  override readonly name = 'GuestError';
  readonly details: GuestErrorDetails;

  constructor(details: GuestErrorDetails, options?: ErrorOptions) {
    super(`${details.code}: ${'domain' in details ? details.domain : details.uri}`, options);
    this.details = details;
  }

  get code(): GuestErrorDetails['code'] {
    return this.details.code;
  }
}
