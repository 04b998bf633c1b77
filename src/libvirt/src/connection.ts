/**
 * The typed calls, one method each, over a connection that has been opened. The structs (src/remote/remote_protocol.x);
 * `domain` is remote_nonnull_domain, `string?` is remote_string:
 *
 *   connect_list_all_domains         { i32 need_results, u32 flags } → { domain domains<>, u32 ret }
 *   domain_lookup_by_{name,uuid,id}  { string } { opaque[16] } { i32 } → domain
 *   domain_get_xml_desc              { domain, u32 flags } → string
 *   domain_get_state                 { domain, u32 flags } → { i32 state, i32 reason }
 *   domain_get_metadata              { domain, i32 type, string? uri, u32 flags } → string
 *   domain_create_with_flags         { domain, u32 flags } → domain, with its new id
 *   domain_{shutdown,destroy,suspend,resume}  { domain }
 *   domain_{reboot,pm_wakeup}        { domain, u32 flags }
 *   domain_{attach,detach,update}_device_flags  { domain, string xml, u32 flags }
 *   connect_domain_event_callback_register_any  { i32 eventID, domain? } → { i32 callbackID }
 */
import { EventEmitter } from 'node:events';
import {
  AFFECT_CONFIG,
  AFFECT_LIVE,
  ERROR_NO_DOMAIN,
  EVENT_ID_LIFECYCLE,
  GOODBYE_TIMEOUT_MS,
  METADATA_TITLE,
  MODIFY_FORCE,
  PROC,
  STREAM_DEAD_MS,
  STREAM_PING_MS,
  XML_INACTIVE,
} from './constants.ts';
import {
  domainAndNoFlags,
  parseUuid,
  readDomain,
  readDomainInfo,
  readDomainList,
  readLifecycle,
  readStatus,
  writeDomain,
} from './domainCodec.ts';
import { LibvirtError } from './errors.ts';
import { type OpenPlan, openConnection } from './open.ts';
import { type DeviceKind, openDevice } from './openDevice.ts';
import type { RpcConnection } from './rpc.ts';
import { Storage } from './storage.ts';
import type {
  CallOptions,
  ConnectionEvents,
  DeviceChange,
  Domain,
  DomainInfo,
  DomainState,
  DomainStatus,
  LibvirtConnection,
  LibvirtStream,
  ListedDomain,
  OpenOptions,
} from './types.ts';
import { type XdrReader, XdrWriter } from './xdr.ts';

const NOTHING = Buffer.alloc(0);
const readNothing = () => undefined;
const readString = (reader: XdrReader) => reader.string();

export class Connection extends EventEmitter<ConnectionEvents> implements LibvirtConnection {
  readonly uri: string;
  readonly readOnly: boolean;
  readonly storage: Storage;
  readonly #rpc: RpcConnection;
  readonly #plan: OpenPlan;
  #subscription: Promise<unknown> | undefined;

  constructor(rpc: RpcConnection, plan: OpenPlan) {
    super();
    this.#rpc = rpc;
    this.#plan = plan;
    this.uri = plan.uri.text;
    this.readOnly = rpc.readOnly;
    this.storage = new Storage(rpc, ({ signal }) => this.#openPrivate(signal));
    // Not before whoever awaits the connection could listen.
    rpc.onceClosed(error => setImmediate(() => this.emit('close', ...(error === undefined ? [] : [error]))));
    rpc.onEvent = (procedure, reader) => this.#onEvent(procedure, reader);
  }

  get closed(): boolean {
    return this.#rpc.closed;
  }

  async libraryVersion(options?: CallOptions): Promise<number> {
    return Number(await this.#rpc.call(PROC.getLibVersion, NOTHING, reader => reader.u64(), options));
  }

  hostname(options?: CallOptions): Promise<string> {
    return this.#rpc.call(PROC.getHostname, NOTHING, readString, options);
  }

  async listDomains(options?: CallOptions): Promise<ListedDomain[]> {
    // No filter. The list has no states, so each is asked for; all calls are on their way before the first answer.
    const payload = new XdrWriter().i32(1).u32(0).finish();
    const domains = await this.#rpc.call(PROC.listAllDomains, payload, readDomainList, options);
    const listed = await Promise.all(domains.map(domain => this.#withState(domain, options)));
    return listed.filter(domain => domain !== undefined);
  }

  lookupByName(name: string, options?: CallOptions): Promise<Domain> {
    return this.#lookup(PROC.domainLookupByName, new XdrWriter().string(name), options);
  }

  async lookupByUuid(uuid: string, options?: CallOptions): Promise<Domain> {
    return this.#lookup(PROC.domainLookupByUuid, new XdrWriter().fixed(parseUuid(uuid)), options);
  }

  async lookupById(id: number, options?: CallOptions): Promise<Domain> {
    if (!Number.isInteger(id) || id < 0 || id > 0x7fffffff) {
      throw new LibvirtError('invalid-argument', `${id} is not the id of a domain.`);
    }
    return this.#lookup(PROC.domainLookupById, new XdrWriter().i32(id), options);
  }

  async domainXml(
    domain: Domain,
    options: CallOptions & { inactive?: boolean | undefined } = {},
  ): Promise<string> {
    const payload = writeDomain(new XdrWriter(), domain).u32(options.inactive ? XML_INACTIVE : 0);
    return this.#rpc.call(PROC.domainGetXmlDesc, payload.finish(), readString, options);
  }

  async domainState(domain: Domain, options?: CallOptions): Promise<DomainState> {
    return (await this.domainStatus(domain, options)).state;
  }

  async domainStatus(domain: Domain, options?: CallOptions): Promise<DomainStatus> {
    return this.#rpc.call(PROC.domainGetState, domainAndNoFlags(domain), readStatus, options);
  }

  async domainInfo(domain: Domain, options?: CallOptions): Promise<DomainInfo> {
    return this.#callWithDomain(PROC.domainGetInfo, domain, readDomainInfo, options);
  }

  /** By a call of its own rather than from the XML, which is several kilobytes long. */
  async domainTitle(domain: Domain, options?: CallOptions): Promise<string | undefined> {
    const payload = writeDomain(new XdrWriter(), domain)
      .i32(METADATA_TITLE)
      .optionalString(undefined)
      .u32(0)
      .finish();
    try {
      return await this.#rpc.call(PROC.domainGetMetadata, payload, readString, options);
    } catch (error) {
      if (error instanceof LibvirtError && error.code === 'no-metadata') return undefined;
      throw error;
    }
  }

  async startDomain(domain: Domain, options?: CallOptions): Promise<Domain> {
    return this.#rpc.call(PROC.domainCreateWithFlags, domainAndNoFlags(domain), readDomain, options);
  }

  async shutdownDomain(domain: Domain, options?: CallOptions): Promise<void> {
    await this.#callWithDomain(PROC.domainShutdown, domain, readNothing, options);
  }

  async rebootDomain(domain: Domain, options?: CallOptions): Promise<void> {
    await this.#rpc.call(PROC.domainReboot, domainAndNoFlags(domain), readNothing, options);
  }

  async suspendDomain(domain: Domain, options?: CallOptions): Promise<void> {
    await this.#callWithDomain(PROC.domainSuspend, domain, readNothing, options);
  }

  async resumeDomain(domain: Domain, options?: CallOptions): Promise<void> {
    await this.#callWithDomain(PROC.domainResume, domain, readNothing, options);
  }

  async wakeDomain(domain: Domain, options?: CallOptions): Promise<void> {
    await this.#rpc.call(PROC.domainPmWakeup, domainAndNoFlags(domain), readNothing, options);
  }

  async destroyDomain(domain: Domain, options?: CallOptions): Promise<void> {
    await this.#callWithDomain(PROC.domainDestroy, domain, readNothing, options);
  }

  async defineDomainXml(xml: string, options?: CallOptions): Promise<Domain> {
    return this.#lookup(PROC.domainDefineXml, new XdrWriter().string(xml), options);
  }

  async undefineDomain(domain: Domain, options?: CallOptions): Promise<void> {
    await this.#callWithDomain(PROC.domainUndefine, domain, readNothing, options);
  }

  async isPersistent(domain: Domain, options?: CallOptions): Promise<boolean> {
    return this.#callWithDomain(PROC.domainIsPersistent, domain, reader => reader.i32() !== 0, options);
  }

  async attachDevice(domain: Domain, xml: string, where: DeviceChange, options?: CallOptions): Promise<void> {
    await this.#changeDevice(PROC.domainAttachDeviceFlags, domain, xml, where, options);
  }

  async detachDevice(domain: Domain, xml: string, where: DeviceChange, options?: CallOptions): Promise<void> {
    await this.#changeDevice(PROC.domainDetachDeviceFlags, domain, xml, where, options);
  }

  async updateDevice(
    domain: Domain,
    xml: string,
    where: DeviceChange & { readonly force?: boolean | undefined },
    options?: CallOptions,
  ): Promise<void> {
    await this.#changeDevice(PROC.domainUpdateDeviceFlags, domain, xml, where, options);
  }

  openConsole(domain: Domain, device: string | undefined, options?: OpenOptions): Promise<LibvirtStream> {
    return this.#openDevice('console', domain, device, options);
  }

  openChannel(domain: Domain, channel: string | undefined, options?: OpenOptions): Promise<LibvirtStream> {
    return this.#openDevice('channel', domain, channel, options);
  }

  async subscribeLifecycle(options?: CallOptions): Promise<void> {
    // 0 for no domain: of all there are, also those that are defined later.
    const payload = new XdrWriter().i32(EVENT_ID_LIFECYCLE).u32(0).finish();
    this.#subscription ??= this.#rpc
      .call(PROC.domainEventCallbackRegisterAny, payload, reader => reader.i32(), options)
      .catch(error => {
        this.#subscription = undefined;
        throw error;
      });
    await this.#subscription;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    await this.#rpc
      .call(PROC.close, NOTHING, readNothing, { timeoutMs: GOODBYE_TIMEOUT_MS })
      .catch(() => undefined); // closing what no longer answers is what was asked for
    this.#rpc.close();
  }

  async #withState(domain: Domain, options?: CallOptions): Promise<ListedDomain | undefined> {
    try {
      return { ...domain, state: await this.domainState(domain, options) };
    } catch (error) {
      // Undefined or a transient domain stopped since the list was made: it no longer belongs there.
      if (error instanceof LibvirtError && error.number === ERROR_NO_DOMAIN) return undefined;
      throw error;
    }
  }

  async #lookup(procedure: number, payload: XdrWriter, options?: CallOptions): Promise<Domain> {
    return this.#rpc.call(procedure, payload.finish(), readDomain, options);
  }

  async #callWithDomain<T>(
    procedure: number,
    domain: Domain,
    decode: (reader: XdrReader) => T,
    options?: CallOptions,
  ): Promise<T> {
    return this.#rpc.call(procedure, writeDomain(new XdrWriter(), domain).finish(), decode, options);
  }

  async #changeDevice(
    procedure: number,
    domain: Domain,
    xml: string,
    { live, config, force }: DeviceChange & { readonly force?: boolean | undefined },
    options?: CallOptions,
  ): Promise<void> {
    // Flags 0 would mean "wherever the domain is just now", which nobody can promise a person.
    if (!live && !config)
      throw new LibvirtError('invalid-argument', 'Neither guest nor definition is named.');
    const flags = (live ? AFFECT_LIVE : 0) | (config ? AFFECT_CONFIG : 0) | (force ? MODIFY_FORCE : 0);
    const payload = writeDomain(new XdrWriter(), domain).string(xml).u32(flags).finish();
    await this.#rpc.call(procedure, payload, readNothing, options);
  }

  async #openDevice(
    kind: DeviceKind,
    domain: Domain,
    device: string | undefined,
    options: OpenOptions = {},
  ): Promise<LibvirtStream> {
    return openDevice(() => this.#openPrivate(options.signal), kind, domain, device, options);
  }

  /** A connection for one stream alone; stream.ts says why. Read-only where this one is: the user's rights are the same. */
  #openPrivate(signal: AbortSignal | undefined): Promise<RpcConnection> {
    const keepalive = { intervalMs: STREAM_PING_MS, deadMs: STREAM_DEAD_MS };
    return openConnection({ ...this.#plan, keepalive, readOnly: this.readOnly, signal });
  }

  /** Other events are never subscribed to, but a daemon may tell of its own shutdown and the like. */
  #onEvent(procedure: number, reader: XdrReader): void {
    if (procedure !== PROC.domainEventCallbackLifecycle) return;
    const event = readLifecycle(reader);
    reader.end();
    // Outside the parser, so that a listener's fault isn't taken for the daemon's.
    if (event !== undefined) process.nextTick(() => this.emit('lifecycle', event));
  }
}
