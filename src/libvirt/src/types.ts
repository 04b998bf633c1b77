import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { LibvirtError } from './errors.ts';

/** What libvirt identifies a domain by. A snapshot: `id` changes with every start of the domain. */
export interface Domain {
  readonly name: string;
  /** Canonical text: lower-case hex, 8-4-4-4-12. */
  readonly uuid: string;
  /** The number of the running instance; undefined while the domain is shut off. */
  readonly id: number | undefined;
}

export type DomainState =
  | 'nostate'
  | 'running'
  | 'blocked'
  | 'paused'
  | 'shutdown'
  | 'shutoff'
  | 'crashed'
  | 'pmsuspended';

/** How a domain came into its state; which of them there are depends on the state. `unknown` also for newer ones. */
export type DomainStateReason =
  | 'unknown'
  | 'api-error'
  | 'booted'
  | 'crashed'
  | 'daemon' // libvirt's daemon gave the domain up
  | 'destroyed' // forced off
  | 'dump'
  | 'failed' // it couldn't be started
  | 'from-snapshot'
  | 'ioerror' // a disk reported an error
  | 'migrated'
  | 'migration'
  | 'migration-canceled'
  | 'panicked'
  | 'postcopy'
  | 'postcopy-failed'
  | 'restored'
  | 'save'
  | 'save-canceled'
  | 'saved'
  | 'shutdown'
  | 'shutting-down'
  | 'snapshot'
  | 'starting-up'
  | 'unpaused'
  | 'user'
  | 'wakeup'
  | 'watchdog';

export interface DomainStatus {
  readonly state: DomainState;
  readonly reason: DomainStateReason;
}

export type ListedDomain = Domain & { readonly state: DomainState };

export interface DomainInfo {
  readonly state: DomainState;
  readonly maxMemoryKiB: bigint;
  readonly memoryKiB: bigint;
  readonly cpuCount: number;
  /** CPU time used since the domain was started, in nanoseconds. */
  readonly cpuTimeNs: bigint;
}

export type LifecycleEventName =
  | 'defined'
  | 'undefined'
  | 'started'
  | 'suspended'
  | 'resumed'
  | 'stopped'
  | 'shutdown'
  | 'pmsuspended'
  | 'crashed';

export interface LifecycleEvent {
  readonly domain: Domain;
  readonly event: LifecycleEventName;
  /** libvirt's reason within the event (virDomainEventStartedDetailType and its siblings). */
  readonly detail: number;
  /** Why a domain stopped, for `stopped`; else undefined. */
  readonly stopReason?: DomainStateReason | undefined;
}

export interface CallOptions {
  /** Abandons the call; it then rejects with an AbortError. What the daemon has begun, it still does. */
  readonly signal?: AbortSignal | undefined;
}

/** At least one of the two. */
export interface DeviceChange {
  /** The guest as it runs; an error `operation-invalid` if it doesn't. */
  readonly live: boolean;
  /** The stored definition, which the next start takes. */
  readonly config: boolean;
}

/** What libvirt identifies a storage pool by. */
export interface StoragePool {
  readonly name: string;
  readonly uuid: string;
}

export type StoragePoolState = 'inactive' | 'building' | 'running' | 'degraded' | 'inaccessible';

export interface StoragePoolInfo {
  readonly state: StoragePoolState;
  readonly capacityBytes: bigint;
  readonly allocationBytes: bigint;
  readonly availableBytes: bigint;
}

export interface StorageVolume {
  /** The pool's name. */
  readonly pool: string;
  readonly name: string;
  /** Unique on the host; for a file its path. */
  readonly key: string;
}

/** Files and devices that libvirt keeps for domains, on the host where it runs. */
export interface LibvirtStorage {
  listActivePools(options?: CallOptions): Promise<StoragePool[]>;
  lookupPool(name: string, options?: CallOptions): Promise<StoragePool>;
  poolInfo(pool: StoragePool, options?: CallOptions): Promise<StoragePoolInfo>;
  poolXml(pool: StoragePool, options?: CallOptions): Promise<string>;
  /** Makes libvirt look again at what is in the pool. */
  refreshPool(pool: StoragePool, options?: CallOptions): Promise<void>;

  lookupVolume(pool: StoragePool, name: string, options?: CallOptions): Promise<StorageVolume>;
  /** In whichever active pool it is. */
  lookupVolumeByPath(path: string, options?: CallOptions): Promise<StorageVolume>;
  /** @throws LibvirtError `volume-exists` if the pool has one of that name */
  createVolume(pool: StoragePool, xml: string, options?: CallOptions): Promise<StorageVolume>;
  /** Where it is on libvirt's host: what a domain's disk has as its source. */
  volumePath(volume: StorageVolume, options?: CallOptions): Promise<string>;
  deleteVolume(volume: StorageVolume, options?: CallOptions): Promise<void>;
  /**
   * Writes the volume from its beginning. `end()` is confirmed when the pool has every byte; `destroy()` breaks off,
   * and leaves the volume with what had come. `lengthBytes`: more than that is refused; 0 is without limit.
   */
  openUpload(volume: StorageVolume, lengthBytes: number, options?: CallOptions): Promise<LibvirtStream>;
}

export interface OpenOptions extends CallOptions {
  /** Takes the device from whoever holds it. Only ever on a person's word: the holder is cut off. */
  readonly force?: boolean | undefined;
}

/**
 * The device's bytes, both ways. `end()` finishes the whole stream: libvirt knows no half-open one, so the
 * readable side ends with it. `destroy()` closes everything at once. An error is always a LibvirtError.
 */
export interface LibvirtStream extends Duplex {
  /** True while the daemon has stopped taking our bytes, which is so when the guest doesn't read. */
  readonly stalled: boolean;
  on(event: 'stalled' | 'resumed', listener: () => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: Duplex's own signature, which an overload must keep
  on(event: string | symbol, listener: (...args: any[]) => void): this;
}

export interface ConnectionEvents {
  /** Exactly once; without an error when `close()` was called. */
  close: [error?: LibvirtError];
  lifecycle: [event: LifecycleEvent];
}

export interface LibvirtConnection extends EventEmitter<ConnectionEvents> {
  readonly uri: string;
  /** True when only the read-only socket could be used: lists and XML work, nothing that changes or opens. */
  readonly readOnly: boolean;
  readonly closed: boolean;

  /** libvirt's version as major × 1,000,000 + minor × 1,000 + release. */
  libraryVersion(options?: CallOptions): Promise<number>;
  hostname(options?: CallOptions): Promise<string>;

  listDomains(options?: CallOptions): Promise<ListedDomain[]>;
  lookupByName(name: string, options?: CallOptions): Promise<Domain>;
  lookupByUuid(uuid: string, options?: CallOptions): Promise<Domain>;
  lookupById(id: number, options?: CallOptions): Promise<Domain>;
  domainXml(domain: Domain, options?: CallOptions & { inactive?: boolean | undefined }): Promise<string>;
  domainState(domain: Domain, options?: CallOptions): Promise<DomainState>;
  /** The state, and how the domain came into it. */
  domainStatus(domain: Domain, options?: CallOptions): Promise<DomainStatus>;
  domainInfo(domain: Domain, options?: CallOptions): Promise<DomainInfo>;
  /** The title in the domain's XML; undefined when there is none. */
  domainTitle(domain: Domain, options?: CallOptions): Promise<string | undefined>;

  /** Resolves to the domain with its new id. */
  startDomain(domain: Domain, options?: CallOptions): Promise<Domain>;
  /** Asks the guest (ACPI); it resolves when asked, not when off. */
  shutdownDomain(domain: Domain, options?: CallOptions): Promise<void>;
  /** Asks the guest (its agent or ACPI); it resolves when asked. The guest may ignore it. */
  rebootDomain(domain: Domain, options?: CallOptions): Promise<void>;
  /** Stops the guest's processors; its memory stays. State `paused`. */
  suspendDomain(domain: Domain, options?: CallOptions): Promise<void>;
  /** Lets the processors of a `paused` domain run on. */
  resumeDomain(domain: Domain, options?: CallOptions): Promise<void>;
  /** Wakes a guest that has put itself to sleep: state `pmsuspended`, which `resumeDomain` can't end. */
  wakeDomain(domain: Domain, options?: CallOptions): Promise<void>;
  /** Cuts the power. */
  destroyDomain(domain: Domain, options?: CallOptions): Promise<void>;
  defineDomainXml(xml: string, options?: CallOptions): Promise<Domain>;
  undefineDomain(domain: Domain, options?: CallOptions): Promise<void>;

  /** False for a transient domain, of which nothing is left when it stops. */
  isPersistent(domain: Domain, options?: CallOptions): Promise<boolean>;
  /** Adds a device, given as its XML element, to the running guest, to the stored definition, or to both. */
  attachDevice(domain: Domain, xml: string, where: DeviceChange, options?: CallOptions): Promise<void>;
  /**
   * Takes a device away that matches the XML: for a running guest, the element as `domainXml` shows it, for libvirt adds
   * a channel's path and then finds no match without. There it is only asked for: the guest may take its time, or refuse.
   */
  detachDevice(domain: Domain, xml: string, where: DeviceChange, options?: CallOptions): Promise<void>;

  /**
   * Changes a device that is there, given as its whole new XML element: for a CD drive, which medium is in it. While
   * the guest holds the medium libvirt refuses, unless `force` opens the drive against its will.
   */
  updateDevice(
    domain: Domain,
    xml: string,
    where: DeviceChange & { readonly force?: boolean | undefined },
    options?: CallOptions,
  ): Promise<void>;

  /** Pools and volumes. */
  readonly storage: LibvirtStorage;

  /** `device`: an alias such as `serial1` or `console0`; undefined takes the domain's first. */
  openConsole(domain: Domain, device: string | undefined, options?: OpenOptions): Promise<LibvirtStream>;
  /** `channel`: a target name such as `org.guestwire.0`, or an alias; undefined takes the first. */
  openChannel(domain: Domain, channel: string | undefined, options?: OpenOptions): Promise<LibvirtStream>;

  /** Turns the 'lifecycle' event on, for every domain. Again after a new connect. */
  subscribeLifecycle(options?: CallOptions): Promise<void>;

  /** Says goodbye to the daemon (at most 1 s) and closes. Open streams live on their own connections. */
  close(): Promise<void>;
}
