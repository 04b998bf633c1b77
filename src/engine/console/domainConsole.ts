import type { Duplex } from 'node:stream';
import type { Domain } from 'libvirt';
import type { Candidate } from '../../link/index.ts';
import type { DomainPlace } from '../connections/connections.ts';
import type { Engine } from '../loadEngine.ts';
import { type Message, message } from '../messages/message.ts';
import type { ConsoleSource } from './consoleSession.ts';
import { whyEnded } from './whyEnded.ts';

export type ConsoleEngine = Pick<Engine, 'codeOfError' | 'describeError' | 'openLink'>;

export interface DomainConsoleOptions {
  readonly loadEngine: () => Promise<ConsoleEngine>;
  readonly confirmTakeOver: (name: Message) => Promise<boolean>;
}

/** A domain's console by way of libvirt. */
export class DomainConsole implements ConsoleSource {
  readonly name: Message;
  readonly #place: DomainPlace;
  readonly #candidate: Candidate;
  readonly #options: DomainConsoleOptions;
  #domain: Domain;
  #engine: ConsoleEngine | undefined;

  constructor(place: DomainPlace, candidate: Candidate, options: DomainConsoleOptions) {
    this.name = message('console.name', candidate.device, place.domain.name);
    this.#place = place;
    this.#candidate = candidate;
    this.#options = options;
    this.#domain = place.domain;
  }

  async open({ takeOver, signal }: { takeOver: boolean; signal: AbortSignal }): Promise<Duplex> {
    const { openLink } = await this.#load();
    return this.#place.connection.use(async connection => {
      // Its id changes with every start.
      this.#domain = await connection.lookupByUuid(this.#domain.uuid, { signal });
      const { stream } = await openLink(connection, this.#domain, this.#candidate, { takeOver, signal });
      return stream;
    });
  }

  isBusy(error: unknown): boolean {
    return this.#engine?.codeOfError(error) === 'busy';
  }

  confirmTakeOver(): Promise<boolean> {
    return this.#options.confirmTakeOver(this.name);
  }

  async whyClosed(error: unknown): Promise<Message> {
    const { codeOfError, describeError } = await this.#load();
    if (codeOfError(error) === 'busy') return message('console.busy', this.name);
    if (this.#domain.id === undefined) {
      return message('console.not-running', this.name);
    }
    const { uri } = this.#place.connection;
    return describeError(error, { uri, domain: this.#domain.name });
  }

  async whyEnded(error: unknown): Promise<Message> {
    const { codeOfError } = await this.#load();
    return whyEnded({
      name: this.name,
      domain: this.#domain,
      code: error === undefined ? undefined : codeOfError(error),
      use: work => this.#place.connection.use(work),
      codeOf: codeOfError,
    });
  }

  async #load(): Promise<ConsoleEngine> {
    this.#engine ??= await this.#options.loadEngine();
    return this.#engine;
  }
}
