import { CHANNEL_NAME } from '../../link/link.ts';
import { Emitter } from '../support/emitter.ts';
import type { DomainDetails } from './managedConnection.ts';

export type GuestSystem = 'linux' | 'windows' | 'posix';

export type ReceiverState = 'ready' | 'silent' | 'unknown';

/** What the last handshake with a domain came to. */
interface Handshake {
  readonly answered: boolean;
}

/**
 * What is known of the receivers in the guests. It comes from handshakes that a copy made anyway, and from what libvirt
 * says of the channel: nobody's serial port is written to only to find out.
 */
export class Receivers {
  readonly changes = new Emitter<string>();
  readonly #handshakes = new Map<string, Handshake>();
  readonly #systems = new Map<string, GuestSystem>();

  answered(key: string, system: GuestSystem): void {
    this.#systems.set(key, system);
    this.#note(key, { answered: true });
  }

  silent(key: string): void {
    this.#note(key, { answered: false });
  }

  /** The domain was started or stopped: what was true is no more. */
  forget(key: string): void {
    if (this.#handshakes.delete(key)) this.changes.fire(key);
  }

  /** One that did not answer may have been started since; one that did is there until its guest stops. */
  forgetSilent(): void {
    for (const [key, { answered }] of this.#handshakes) if (!answered) this.forget(key);
  }

  system(key: string): GuestSystem | undefined {
    return this.#systems.get(key);
  }

  /** A handshake says more than the channel's state, which any program could cause, and which only a refresh renews. */
  state(key: string, details?: DomainDetails): ReceiverState {
    const handshake = this.#handshakes.get(key);
    if (handshake) return handshake.answered ? 'ready' : 'silent';
    const channel = details?.devices.channels.find(({ name }) => name === CHANNEL_NAME);
    if (channel?.state === 'connected') return 'ready';
    const otherWays = details?.candidates.some(({ use }) => use === 'automatic') ?? true;
    return channel?.state === 'disconnected' && !otherWays ? 'silent' : 'unknown';
  }

  #note(key: string, handshake: Handshake): void {
    this.#handshakes.set(key, handshake);
    this.changes.fire(key);
  }
}
