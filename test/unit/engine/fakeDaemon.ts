import { EventEmitter } from 'node:events';
import { type ConnectionEvents, type LibvirtConnection, LibvirtError, type ListedDomain } from 'libvirt';
import type { ConnectionEngine } from '../../../src/engine/connections/managedConnection.ts';
import { codeOfError, describeError } from '../../../src/engine/messages/describeError.ts';
import { parseDomainDevices, rankCandidates } from '../../../src/link/index.ts';
import { domainOf } from '../ui/samples.ts';

export const silentLog = { info() {}, warn() {}, error() {}, debug() {} };

/** A daemon that is told what domains it has, and what goes wrong. */
export class FakeDaemon {
  domains: ListedDomain[] = [domainOf('b'), domainOf('a10'), domainOf('a9')];
  refusal: LibvirtError | undefined;
  connects = 0;
  xmlReads = 0;
  /** Of every domain. */
  xml = '<domain><devices/></domain>';
  lists = 0;
  open: (EventEmitter<ConnectionEvents> & { closed: boolean })[] = [];

  readonly engine: ConnectionEngine = {
    connect: async uri => this.connect(uri),
    codeOfError,
    describeError,
    parseDomainDevices,
    rankCandidates,
  };

  connect(uri: string): LibvirtConnection {
    this.connects += 1;
    if (this.refusal) throw this.refusal;
    const connection = Object.assign(new EventEmitter<ConnectionEvents>(), {
      uri,
      closed: false,
      readOnly: false,
      subscribeLifecycle: async () => undefined,
      listDomains: async () => {
        this.lists += 1;
        return [...this.domains];
      },
      lookupByUuid: async (uuid: string) => this.#find(uuid),
      domainState: async ({ uuid }: { uuid: string }) => this.#find(uuid).state,
      domainXml: async () => {
        this.xmlReads += 1;
        return this.xml;
      },
      close: async () => {
        connection.closed = true;
      },
    });
    this.open.push(connection);
    return connection as unknown as LibvirtConnection;
  }

  #find(uuid: string): ListedDomain {
    const found = this.domains.find(domain => domain.uuid === uuid);
    if (!found) throw new LibvirtError('no-domain', 'no domain');
    return found;
  }

  /** The domain now has this state, and libvirt tells of it. */
  change(domain: ListedDomain, event: 'started' | 'stopped' | 'defined' | 'undefined'): void {
    const others = this.domains.filter(({ uuid }) => uuid !== domain.uuid);
    this.domains = event === 'undefined' ? others : [...others, domain];
    for (const connection of this.open) connection.emit('lifecycle', { domain, event, detail: 0 });
  }

  break(): void {
    const error = new LibvirtError('connection-lost', 'the daemon went away');
    for (const connection of this.open.splice(0)) connection.emit('close', error);
  }
}
