import type { LifecycleEvent, ListedDomain } from 'libvirt';
import type { ChosenConnection } from '../guest/chooseConnection.ts';
import type { DomainTarget } from '../guest/target.ts';
import { Emitter } from '../support/emitter.ts';
import {
  type ConnectionChange,
  ManagedConnection,
  type ManagedConnectionOptions,
} from './managedConnection.ts';

export interface DomainPlace {
  readonly connection: ManagedConnection;
  readonly domain: ListedDomain;
}

/** Which connection something happened to; undefined: the set of connections itself changed. */
export interface ConnectionsChange {
  readonly connection: ManagedConnection | undefined;
  readonly change: ConnectionChange;
}

/** The word in the setting for what com-dd takes without `--connect`. */
export const DEFAULT_CONNECTION = 'default';

export interface ConnectionsOptions extends ManagedConnectionOptions {
  /** The setting's value. */
  readonly configured: () => readonly string[];
  readonly resolveDefault: () => Promise<ChosenConnection>;
}

/** All configured connections, in the order of the setting. */
export class Connections {
  readonly changes = new Emitter<ConnectionsChange>();
  readonly lifecycle = new Emitter<{ connection: ManagedConnection; event: LifecycleEvent }>();
  readonly #options: ConnectionsOptions;
  #connections: ManagedConnection[] = [];
  #loaded: Promise<void> | undefined;
  #releases: (() => void)[] | undefined;
  #default: ChosenConnection | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get all(): readonly ManagedConnection[] {
    return this.#connections;
  }

  /** What `default` in the setting has come to; undefined where it isn't there. */
  get default(): ChosenConnection | undefined {
    return this.#default;
  }

  get(uri: string): ManagedConnection | undefined {
    return this.#connections.find(connection => connection.uri === uri);
  }

  /** Reads the setting, the first time. */
  load(): Promise<void> {
    this.#loaded ??= this.#apply();
    return this.#loaded;
  }

  /** The setting has changed. */
  reload(): void {
    if (this.#loaded) this.#loaded = this.#loaded.then(() => this.#apply());
  }

  /** While something on the screen shows them, all connections are kept open. */
  async setVisible(visible: boolean): Promise<void> {
    if (visible === (this.#releases !== undefined)) return;
    if (visible) this.#releases = [];
    else {
      for (const release of this.#releases ?? []) release();
      this.#releases = undefined;
    }
    await this.load();
    if (this.#releases?.length === 0) this.#releases = this.#connections.map(one => one.hold());
  }

  /** Opens all; those that fail say so in their status. */
  async openAll(): Promise<void> {
    await this.load();
    await Promise.allSettled(this.#connections.map(one => one.use(async () => undefined)));
  }

  async refresh(): Promise<void> {
    await this.load();
    // The daemon that was passed over may be there by now.
    if (this.#default?.passedOver) this.reload();
    await this.#loaded;
    await Promise.all(this.#connections.map(one => one.refresh()));
  }

  /** Every known domain, connection by connection. */
  domains(): DomainPlace[] {
    return this.#connections.flatMap(connection =>
      connection.domains.sorted.map(domain => ({ connection, domain })),
    );
  }

  /** Undefined if the connection or the domain is gone. */
  find({ uri, uuid }: DomainTarget): DomainPlace | undefined {
    const connection = this.get(uri);
    const domain = uuid === undefined ? undefined : connection?.domains.get(uuid);
    return connection && domain && { connection, domain };
  }

  dispose(): void {
    for (const connection of this.#connections) connection.dispose();
    this.#connections = [];
  }

  async #apply(): Promise<void> {
    const uris = await this.#resolve(this.#options.configured());
    const old = this.#connections;
    this.#connections = uris.map(uri => this.get(uri) ?? this.#create(uri));
    for (const gone of old) if (!this.#connections.includes(gone)) gone.dispose();
    if (this.#releases) {
      const former = this.#releases;
      this.#releases = this.#connections.map(one => one.hold());
      for (const release of former) release();
    }
    this.changes.fire({ connection: undefined, change: { kind: 'connection' } });
  }

  async #resolve(configured: readonly string[]): Promise<string[]> {
    const isDefault = (uri: string) => uri === DEFAULT_CONNECTION;
    this.#default = configured.some(isDefault) ? await this.#options.resolveDefault() : undefined;
    return [...new Set(configured.map(uri => (isDefault(uri) ? (this.#default?.uri ?? uri) : uri)))];
  }

  #create(uri: string): ManagedConnection {
    const connection = new ManagedConnection(uri, this.#options);
    connection.changes.on(change => this.changes.fire({ connection, change }));
    connection.lifecycle.on(event => this.lifecycle.fire({ connection, event }));
    return connection;
  }
}
