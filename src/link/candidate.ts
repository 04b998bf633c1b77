import type { LinkDescription } from './link.ts';

/** A device of a domain as a possible link, with the verdict on it. */
export interface Candidate extends LinkDescription {
  readonly alias: string;
  readonly use: CandidateUse;
  /** Why it is or isn't tried. */
  readonly reason: CandidateReason;
}

export type CandidateReason =
  | { readonly code: 'backend'; readonly backend: string; readonly possible: readonly string[] }
  | { readonly code: 'closed-in-guest' } // nobody in the guest has our channel open
  | { readonly code: 'extra-port' } // a serial port where no login is expected
  | { readonly code: 'fastest' } // our channel, which only a receiver opens
  | { readonly code: 'guest-agent' | 'spice' | 'other-program' } // whose channel it is
  | { readonly code: 'kernel-console'; readonly console: string } // as in the kernel's `console=`
  | { readonly code: 'login-on-console' | 'login-on-first-port' } // there may be one
  | { readonly code: 'named' } // a person named this port of the host
  | { readonly code: 'no-input' } // a debug port
  | { readonly code: 'other-socket'; readonly path: string } // another program of the host is behind it
  | { readonly code: 'windows-first-port' }; // Windows puts no login there

export type CandidateUse =
  | 'automatic' // `--link auto` may try it: nothing but a receiver can be listening there
  | 'closed-in-guest' // it would be tried, but no program in the guest has it open
  | 'named-only' // something else may listen there: never written to unless it is named
  | 'unusable'; // it can't be opened as a stream
