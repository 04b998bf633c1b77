import type { ListedDomain } from 'libvirt';
import { CHANNEL_NAME } from '../../link/link.ts';
import { domainKey } from '../guest/target.ts';
import { debounce } from '../support/debounce.ts';
import { activityOf, runningFirst } from './activity.ts';
import type { Connections } from './connections.ts';
import type { DomainDetails, ManagedConnection } from './managedConnection.ts';
import type { Receivers } from './receivers.ts';

export interface DomainWatchOptions {
  readonly connections: Connections;
  readonly receivers: Receivers;
}

/** Soon enough for somebody who has just started a receiver and looks at the tree. */
const EVERY_MS = 3_000;
const SETTLE_MS = 100;
/** Of each connection: among thousands, the others tell more when they are opened in the tree. */
const MAX_READ = 200;
/** How many channels of a connection are looked at each time; all of them get their turn. */
const MAX_LOOKS = 20;

/**
 * Learns what libvirt tells by no event: the guests' systems, and whether a program in the guest has Guestwire's channel
 * open. Reads XML, never a device, and nothing at all while the view can't be seen.
 */
export class DomainWatch {
  readonly #options: DomainWatchOptions;
  readonly #stopListening: () => void;
  readonly #readSoon = debounce(() => void this.#read(), SETTLE_MS);
  /** By connection, whose turn it is. */
  readonly #turns = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #reading = false;

  constructor(options: DomainWatchOptions) {
    this.#options = options;
    this.#stopListening = options.connections.changes.on(() => {
      if (this.#timer) this.#readSoon();
    });
  }

  setVisible(visible: boolean): void {
    this.#stop();
    if (!visible) return;
    this.#lookLater();
    this.#readSoon();
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => void this.#look(), EVERY_MS);
    this.#timer.unref();
  }

  dispose(): void {
    this.#stop();
    this.#stopListening();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#readSoon.cancel();
  }

  /** One after the other: the daemon has others to serve. What can't be read just isn't known. */
  async #read(): Promise<void> {
    if (this.#reading) return this.#readSoon();
    this.#reading = true;
    for (const connection of this.#connected()) {
      const first = runningFirst(connection.domains.sorted).slice(0, MAX_READ);
      const unread = first.filter(({ uuid }) => !connection.knownDetails(uuid));
      for (const domain of unread) {
        if (this.#timer) await connection.details(domain).catch(() => undefined);
      }
    }
    this.#reading = false;
  }

  async #look(): Promise<void> {
    const timer = this.#timer;
    for (const connection of this.#connected()) {
      for (const domain of this.#nextOf(connection)) await this.#lookAt(connection, domain);
    }
    // Not after it was hidden, or shown anew, meanwhile.
    if (timer && timer === this.#timer) this.#lookLater();
  }

  /** What a handshake once said is past when the channel changes hands. */
  async #lookAt(connection: ManagedConnection, domain: ListedDomain): Promise<void> {
    const before = channelState(connection.knownDetails(domain.uuid));
    const details = await connection.renewDetails(domain).catch(() => undefined);
    if (!details || channelState(details) === before) return;
    this.#options.receivers.forget(domainKey(connection.uri, domain.uuid));
  }

  #nextOf(connection: ManagedConnection): ListedDomain[] {
    const watched = connection.domains.sorted.filter(
      ({ uuid, state }) => activityOf(state) === 'running' && channelState(connection.knownDetails(uuid)),
    );
    const turn = this.#turns.get(connection.uri) ?? 0;
    const start = turn < watched.length ? turn : 0;
    this.#turns.set(connection.uri, start + MAX_LOOKS);
    return watched.slice(start, start + MAX_LOOKS);
  }

  #connected(): ManagedConnection[] {
    return this.#options.connections.all.filter(({ status }) => status.kind === 'connected');
  }
}

function channelState(details: DomainDetails | undefined): string | undefined {
  return details?.devices.channels.find(({ name }) => name === CHANNEL_NAME)?.state;
}
