import type { DomainState, DomainStateReason } from 'libvirt';

/** States in which a domain takes no copy. */
export type IdleState = Extract<DomainState, 'shutoff' | 'shutdown' | 'crashed' | 'paused' | 'pmsuspended'>;

const STOP_REASONS = ['crashed', 'destroyed', 'from-snapshot', 'migrated', 'saved', 'shutdown'] as const;
const PAUSE_REASONS = ['crashed', 'dump', 'ioerror', 'migration', 'save', 'snapshot', 'watchdog'] as const;

/** How a domain came to its end, where that says more than that it did. */
export type StopReason = (typeof STOP_REASONS)[number] | 'unknown';
/** Why it's paused, where that isn't because somebody wanted it. */
export type PauseReason = (typeof PAUSE_REASONS)[number];

export function stopReason(reason: string): StopReason {
  return STOP_REASONS.find(one => one === reason) ?? 'unknown';
}

export function pauseReason(reason: DomainStateReason): PauseReason | undefined {
  return PAUSE_REASONS.find(one => one === reason);
}

/** What is wrong with the domain, or with the way to it, as found out by asking libvirt. */
export type GuestErrorDetails =
  | {
      readonly code: 'not-running';
      readonly domain: string;
      readonly state: IdleState;
      readonly pause?: PauseReason;
    }
  /** In the middle of a copy. */
  | {
      readonly code: 'domain-stopped';
      readonly domain: string;
      readonly reason: StopReason;
      /** It runs again by now. */
      readonly restarted: boolean;
    }
  /** In the middle of a copy: libvirt's daemon went away, or our connection to it did. */
  | { readonly code: 'connection-lost'; readonly uri: string; readonly answersAgain: boolean };

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
