import { isDeepStrictEqual } from 'node:util';
import type { Domain, LibvirtConnection, LifecycleEvent, ListedDomain } from 'libvirt';
import type { Candidate, DomainDevices } from '../../link/index.ts';
import type { Engine } from '../loadEngine.ts';
import { inEnglish } from '../messages/message.ts';
import { debounce } from '../support/debounce.ts';
import { Emitter } from '../support/emitter.ts';
import type { Log } from '../support/log.ts';
import { backOffMs, type ConnectionStatus, isPassing } from './connectionStatus.ts';
import { DomainList } from './domainList.ts';

export interface DomainDetails {
  readonly devices: DomainDevices;
  readonly candidates: readonly Candidate[];
}

export type ConnectionChange =
  /** Status, or which domains there are. */
  { readonly kind: 'connection' } | { readonly kind: 'domain'; readonly uuid: string };

export type ConnectionEngine = Pick<
  Engine,
  'connect' | 'codeOfError' | 'describeError' | 'parseDomainDevices' | 'rankCandidates'
>;

export interface ManagedConnectionOptions {
  readonly loadEngine: () => Promise<ConnectionEngine>;
  readonly log: Log;
  /** How long it stays open when nobody wants it any more. */
  readonly idleMs?: number;
}

const IDLE_MS = 60_000;
/** A guest that boots makes several events at once. */
const EVENT_DELAY_MS = 80;
/** With more domains changed than this, asking for all of them is cheaper. */
const RELIST_ABOVE = 100;

/**
 * One libvirt connection: opened when wanted, kept up to date by libvirt's events, opened again when it drops. It knows
 * the domains and, where asked, a domain's devices. It never polls.
 */
export class ManagedConnection {
  readonly uri: string;
  readonly domains = new DomainList();
  readonly changes = new Emitter<ConnectionChange>();
  readonly lifecycle = new Emitter<LifecycleEvent>();
  readonly #options: ManagedConnectionOptions;
  readonly #details = new Map<string, Promise<DomainDetails>>();
  readonly #knownDetails = new Map<string, DomainDetails>();
  readonly #changed = new Map<string, Domain>();
  readonly #update = debounce(() => void this.#updateChanged(), EVENT_DELAY_MS);
  #status: ConnectionStatus = { kind: 'idle' };
  #connection: LibvirtConnection | undefined;
  #connecting: Promise<LibvirtConnection> | undefined;
  #holders = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(uri: string, options: ManagedConnectionOptions) {
    this.uri = uri;
    this.#options = options;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** Keeps it open, and opens it, until what is returned is called. */
  hold(): () => void {
    this.#holders += 1;
    if (this.#holders === 1) this.#wanted();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      if (this.#holders === 0) this.#unwanted();
    };
  }

  /** Runs with an open connection. @throws LibvirtError */
  async use<T>(work: (connection: LibvirtConnection) => Promise<T>): Promise<T> {
    const release = this.hold();
    try {
      return await work(await this.#open());
    } finally {
      release();
    }
  }

  /** Asks libvirt for everything anew, and for a connection where there is none. */
  async refresh(): Promise<void> {
    this.forgetDetails();
    await this.use(async connection => {
      await this.#list(connection);
      this.changes.fire({ kind: 'connection' });
    }).catch(() => undefined); // it shows in the status
  }

  /** The domain's devices; read once, and again after it was started, stopped or defined anew. */
  details(domain: Domain): Promise<DomainDetails> {
    return this.#details.get(domain.uuid) ?? this.renewDetails(domain);
  }

  /** The domain's devices, read now: libvirt has no event for a channel that a program in the guest opens or closes. */
  renewDetails(domain: Domain): Promise<DomainDetails> {
    const details = this.#readDetails(domain);
    this.#details.set(domain.uuid, details);
    details.then(
      read => this.#details.get(domain.uuid) === details && this.#know(domain.uuid, read),
      () => this.#details.get(domain.uuid) === details && this.forgetDetails(domain.uuid),
    );
    return details;
  }

  /** Those that were read already. */
  knownDetails(uuid: string): DomainDetails | undefined {
    return this.#knownDetails.get(uuid);
  }

  forgetDetails(uuid?: string): void {
    if (uuid === undefined) {
      this.#details.clear();
      this.#knownDetails.clear();
      return;
    }
    this.#details.delete(uuid);
    this.#knownDetails.delete(uuid);
  }

  #know(uuid: string, details: DomainDetails): void {
    const before = this.#knownDetails.get(uuid);
    this.#knownDetails.set(uuid, details);
    if (!isDeepStrictEqual(before, details)) this.changes.fire({ kind: 'domain', uuid });
  }

  dispose(): void {
    this.#disposed = true;
    this.#update.cancel();
    clearTimeout(this.#timer);
    this.#drop();
  }

  #wanted(): void {
    clearTimeout(this.#timer);
    // Its failure shows in the status.
    this.#open().catch(() => undefined);
  }

  #unwanted(): void {
    clearTimeout(this.#timer);
    if (this.#disposed) return;
    this.#timer = setTimeout(() => {
      this.#drop();
      if (this.#status.kind === 'connected') this.#setStatus({ kind: 'idle' });
    }, this.#options.idleMs ?? IDLE_MS);
    // Nothing to stay alive for.
    this.#timer.unref();
  }

  #drop(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    void connection?.close().catch(() => undefined);
  }

  #open(): Promise<LibvirtConnection> {
    if (this.#connection) return Promise.resolve(this.#connection);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<LibvirtConnection> {
    clearTimeout(this.#timer);
    // Between two attempts the reason stays visible, instead of flickering.
    if (this.#status.kind !== 'failed') this.#setStatus({ kind: 'connecting' });
    const engine = await this.#options.loadEngine();
    let connection: LibvirtConnection | undefined;
    try {
      connection = await engine.connect(this.uri);
      connection.on('lifecycle', event => this.#onLifecycle(event));
      await connection.subscribeLifecycle();
      await this.#list(connection);
      return this.#connected(connection);
    } catch (error) {
      void connection?.close().catch(() => undefined);
      this.#failed(engine, error);
      throw error;
    }
  }

  #connected(connection: LibvirtConnection): LibvirtConnection {
    this.#failures = 0;
    this.forgetDetails();
    if (this.#disposed) {
      void connection.close().catch(() => undefined);
      return connection;
    }
    this.#connection = connection;
    connection.on('close', error => void this.#onClose(connection, error));
    const { readOnly } = connection;
    this.#options.log.info(`connected to ${this.uri}${readOnly ? ' (read-only)' : ''}`);
    this.#setStatus({ kind: 'connected', readOnly });
    // Nobody may want it any more by now.
    if (this.#holders === 0) this.#unwanted();
    return connection;
  }

  async #onClose(connection: LibvirtConnection, error: unknown): Promise<void> {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    if (error !== undefined) this.#failed(await this.#options.loadEngine(), error, true);
  }

  #failed(engine: ConnectionEngine, error: unknown, wasConnected = false): void {
    if (this.#disposed) return;
    this.#failures += 1;
    const code = engine.codeOfError(error);
    const message = engine.describeError(error, { uri: this.uri });
    const before = this.#status.kind === 'failed' && this.#status.wasConnected;
    const retrying = isPassing(code) && this.#holders > 0;
    if (this.#failures === 1) this.#options.log.warn(`${this.uri}: ${inEnglish(message)} (${code})`);
    this.#setStatus({ kind: 'failed', code, message, wasConnected: wasConnected || before, retrying });
    if (retrying) this.#retryLater();
  }

  #retryLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#holders > 0) this.#wanted();
    }, backOffMs(this.#failures));
    this.#timer.unref();
  }

  #setStatus(status: ConnectionStatus): void {
    this.#status = status;
    if (!this.#disposed) this.changes.fire({ kind: 'connection' });
  }

  async #list(connection: LibvirtConnection): Promise<void> {
    this.domains.replace(await connection.listDomains());
  }

  async #readDetails(domain: Domain): Promise<DomainDetails> {
    const { parseDomainDevices, rankCandidates } = await this.#options.loadEngine();
    const devices = parseDomainDevices(await this.use(connection => connection.domainXml(domain)));
    return { devices, candidates: rankCandidates(devices) };
  }

  #onLifecycle(event: LifecycleEvent): void {
    this.lifecycle.fire(event);
    this.#changed.set(event.domain.uuid, event.domain);
    this.#update();
  }

  async #updateChanged(): Promise<void> {
    const connection = this.#connection;
    const domains = [...this.#changed.values()];
    this.#changed.clear();
    if (!connection) return;
    for (const { uuid } of domains) this.forgetDetails(uuid);
    try {
      if (domains.length > RELIST_ABOVE) {
        await this.#list(connection);
        this.changes.fire({ kind: 'connection' });
      } else await Promise.all(domains.map(domain => this.#updateDomain(connection, domain)));
    } catch (error) {
      // The connection's end is reported by itself; then everything is listed anew.
      this.#options.log.debug(`${this.uri}: ${String(error)}`);
    }
  }

  async #updateDomain(connection: LibvirtConnection, { uuid }: Domain): Promise<void> {
    const now = await this.#lookUp(connection, uuid);
    const what = now ? this.domains.set(now) : this.domains.delete(uuid);
    if (what === 'list') this.changes.fire({ kind: 'connection' });
    else this.changes.fire({ kind: 'domain', uuid });
  }

  /** Undefined where the domain is gone: undefined, or transient and stopped. */
  async #lookUp(connection: LibvirtConnection, uuid: string): Promise<ListedDomain | undefined> {
    const { codeOfError } = await this.#options.loadEngine();
    try {
      const domain = await connection.lookupByUuid(uuid);
      return { ...domain, state: await connection.domainState(domain) };
    } catch (error) {
      if (codeOfError(error) === 'no-domain') return undefined;
      throw error;
    }
  }
}
