import { CHANNEL_NAME } from '../../link/link.ts';
import type { Welcome } from '../../protocol/index.ts';
import { Emitter } from '../support/emitter.ts';
import type { DomainDetails } from './managedConnection.ts';

/** As the receiver says it; libvirt's guess is an `OsFamily`. */
export type GuestSystem = Welcome['system'];

export type ReceiverState = 'ready' | 'silent' | 'unknown';

/**
 * What is known of the receivers in the guests. It comes from handshakes that a copy made anyway, and from what libvirt
 * says of the channel: nobody's serial port is written to only to find out.
 */
export class Receivers {
  readonly changes = new Emitter<string>();
  /** Whether a receiver answered the last handshake with a domain. */
  readonly #answered = new Map<string, boolean>();
  readonly #systems = new Map<string, GuestSystem>();

  answered(key: string, system: GuestSystem): void {
    this.#systems.set(key, system);
    this.#note(key, true);
  }

  silent(key: string): void {
    this.#note(key, false);
  }

  /** The domain was started or stopped: what was true is no more. */
  forget(key: string): void {
    if (this.#answered.delete(key)) this.changes.fire(key);
  }

  /** One that did not answer may have been started since; one that did is there until its guest stops. */
  forgetSilent(): void {
    for (const [key, answered] of this.#answered) if (!answered) this.forget(key);
  }

  system(key: string): GuestSystem | undefined {
    return this.#systems.get(key);
  }

  /** A handshake says more than the channel's state, which any program could cause, and which only a refresh renews. */
  state(key: string, details?: DomainDetails): ReceiverState {
    const answered = this.#answered.get(key);
    if (answered !== undefined) return answered ? 'ready' : 'silent';
    const channel = details?.devices.channels.find(({ name }) => name === CHANNEL_NAME);
    if (channel?.state === 'connected') return 'ready';
    const otherWays = details?.candidates.some(({ use }) => use === 'automatic') ?? true;
    return channel?.state === 'disconnected' && !otherWays ? 'silent' : 'unknown';
  }

  #note(key: string, answered: boolean): void {
    this.#answered.set(key, answered);
    this.changes.fire(key);
  }
}
