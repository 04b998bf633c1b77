import { setTimeout as delay } from 'node:timers/promises';
import type { ListedDomain } from 'libvirt';
import * as vscode from 'vscode';
import { type Activity, activityOf, runningFirst } from '../../engine/connections/activity.ts';
import type { Connections, ConnectionsChange } from '../../engine/connections/connections.ts';
import type { ManagedConnection } from '../../engine/connections/managedConnection.ts';
import type { Receivers } from '../../engine/connections/receivers.ts';
import { domainKey } from '../../engine/guest/target.ts';
import { loadEngine } from '../../engine/loadEngine.ts';
import { debounce } from '../../engine/support/debounce.ts';
import type { Candidate } from '../../link/index.ts';
import { l10n, localized } from '../support/l10n.ts';
import { treeItem } from '../treeItem.ts';
import {
  presentConnection,
  presentDomain,
  presentLink,
  presentLinks,
  welcomeFor,
} from './domainPresentation.ts';

export interface ConnectionNode {
  readonly kind: 'connection';
  readonly connection: ManagedConnection;
}

export interface DomainNode {
  readonly kind: 'domain';
  readonly connection: ManagedConnection;
  readonly uuid: string;
}

/** The links of a domain: one line for what few people look at. */
export interface LinksNode {
  readonly kind: 'links';
  readonly connection: ManagedConnection;
  readonly uuid: string;
}

export interface LinkNode {
  readonly kind: 'link';
  readonly connection: ManagedConnection;
  readonly uuid: string;
  readonly candidate: Candidate;
}

/** A line of explanation where there is nothing to list. */
export interface NoteNode {
  readonly kind: 'note';
  readonly connection: ManagedConnection;
  /** Of the domain whose links it stands for. */
  readonly uuid?: string;
  readonly id: string;
  readonly text: string;
  readonly icon: string;
}

export type DomainsNode = ConnectionNode | DomainNode | LinksNode | LinkNode | NoteNode;

/** Whether what VS Code passed to a command is a node of this tree; from the palette it's nothing. */
export function isDomainsNode(value: unknown): value is DomainsNode {
  return typeof value === 'object' && value !== null && 'kind' in value && 'connection' in value;
}

export function domainOf(node: DomainsNode | undefined): ListedDomain | undefined {
  if (!node || node.kind === 'connection' || node.uuid === undefined) return undefined;
  return node.connection.domains.get(node.uuid);
}

/** Events this close together cause one redraw. */
const REDRAW_MS = 50;
/** How long the first drawing waits for connections, so that it isn't replaced right away. */
const FIRST_DRAWING_MS = 1_500;

/** connection → domain → Links → link. Holds no data: it draws what the connections know and redraws what changed. */
export class DomainsTree implements vscode.TreeDataProvider<DomainsNode> {
  readonly #connections: Connections;
  readonly #receivers: Receivers;
  readonly #onDidChange = new vscode.EventEmitter<DomainsNode[] | undefined>();
  readonly onDidChangeTreeData = this.#onDidChange.event;
  /** VS Code compares nodes by identity, so each connection and domain keeps its node. */
  readonly #connectionNodes = new Map<string, ConnectionNode>();
  readonly #domainNodes = new Map<string, DomainNode>();
  readonly #linksNodes = new Map<string, LinksNode>();
  /** As drawn last; where it changes, so does the domain's place in the list. */
  readonly #activities = new Map<string, Activity>();
  readonly #outdated = new Set<DomainsNode>();
  #outdatedAll = false;
  readonly #redraw = debounce(() => this.#fire(), REDRAW_MS);
  #drawn = false;

  constructor(connections: Connections, receivers: Receivers) {
    this.#connections = connections;
    this.#receivers = receivers;
    connections.changes.on(change => this.#onConnections(change));
    receivers.changes.on(key => this.#outdate(this.#domainNodes.get(key)));
  }

  getTreeItem(node: DomainsNode): vscode.TreeItem {
    switch (node.kind) {
      case 'connection':
        return this.#connectionItem(node.connection);
      case 'domain':
        return this.#domainItem(node);
      case 'links':
        return this.#linksItem(node);
      case 'link': {
        const id = `${domainKey(node.connection.uri, node.uuid)}\n${node.candidate.alias}`;
        return treeItem(id, presentLink(node.candidate), vscode.TreeItemCollapsibleState.None);
      }
      case 'note': {
        const item = new vscode.TreeItem(node.text);
        item.id = `${node.connection.uri}\n${node.id}`;
        item.iconPath = new vscode.ThemeIcon(node.icon);
        item.tooltip = node.text;
        item.contextValue = 'note';
        return item;
      }
    }
  }

  async getChildren(node?: DomainsNode): Promise<DomainsNode[]> {
    if (!node) return this.#roots();
    if (node.kind === 'connection') return this.#domains(node.connection);
    if (node.kind === 'domain') return [this.#linksNode(node.connection, node.uuid)];
    return node.kind === 'links' ? this.#links(node) : [];
  }

  getParent(node: DomainsNode): DomainsNode | undefined {
    switch (node.kind) {
      case 'connection':
        return undefined;
      case 'domain':
        return this.#connectionNode(node.connection);
      case 'links':
        return this.#domainNode(node.connection, node.uuid);
      case 'link':
        return this.#linksNode(node.connection, node.uuid);
      case 'note':
        return node.uuid === undefined
          ? this.#connectionNode(node.connection)
          : this.#linksNode(node.connection, node.uuid);
    }
  }

  /** Redraws everything, which reads the domains' links again. The connections update themselves. */
  refreshAll(): void {
    this.#outdatedAll = true;
    this.#redraw();
  }

  dispose(): void {
    this.#redraw.cancel();
    this.#onDidChange.dispose();
  }

  async #roots(): Promise<DomainsNode[]> {
    await this.#connections.load();
    if (!this.#drawn) await Promise.race([this.#connections.openAll(), delay(FIRST_DRAWING_MS)]);
    this.#drawn = true;
    const all = this.#connections.all;
    const welcome = welcomeFor(
      all.map(({ status, domains }) => ({ status, domainCount: domains.size })),
      this.#connections.default?.passedOver !== undefined,
    );
    await vscode.commands.executeCommand('setContext', 'guestwire.welcome', welcome);
    return welcome === '' ? all.map(connection => this.#connectionNode(connection)) : [];
  }

  async #domains(connection: ManagedConnection): Promise<DomainsNode[]> {
    const { status } = connection;
    // While this waits, VS Code shows its progress bar in the view.
    if (status.kind === 'connecting') await connection.use(async () => undefined).catch(() => undefined);
    const domains = runningFirst(connection.domains.sorted);
    for (const { uuid, state } of domains) {
      this.#activities.set(domainKey(connection.uri, uuid), activityOf(state));
    }
    const nodes = domains.map(({ uuid }) => this.#domainNode(connection, uuid));
    if (nodes.length > 0 || connection.status.kind === 'connecting') return nodes;
    return [this.#emptyNote(connection)];
  }

  #emptyNote(connection: ManagedConnection): DomainsNode {
    const { status } = connection;
    return status.kind === 'failed'
      ? { kind: 'note', connection, id: 'problem', text: localized(status.message), icon: 'warning' }
      : { kind: 'note', connection, id: 'empty', text: l10n.t('No domains'), icon: 'info' };
  }

  async #links(node: LinksNode): Promise<DomainsNode[]> {
    const { connection, uuid } = node;
    const domain = connection.domains.get(uuid);
    if (!domain) return [];
    try {
      const { candidates } = await connection.details(domain);
      const usable = candidates.filter(({ use }) => use !== 'unusable');
      if (usable.length > 0) return usable.map(candidate => ({ kind: 'link', connection, uuid, candidate }));
      const text = l10n.t('No usable serial port, console or virtio channel');
      return [{ kind: 'note', connection, uuid, id: `${uuid}\nno-links`, text, icon: 'info' }];
    } catch (error) {
      const { describeError } = await loadEngine();
      const problem = localized(describeError(error, { uri: connection.uri, domain: domain.name }));
      const text = l10n.t("Couldn't read the domain's devices: {0}", problem);
      return [{ kind: 'note', connection, uuid, id: `${uuid}\nproblem`, text, icon: 'warning' }];
    }
  }

  #connectionItem(connection: ManagedConnection): vscode.TreeItem {
    const { uri, status, domains } = connection;
    const presentation = presentConnection({ uri, status, domainCount: domains.size });
    return treeItem(uri, presentation, vscode.TreeItemCollapsibleState.Expanded);
  }

  #domainItem({ connection, uuid }: DomainNode): vscode.TreeItem {
    const key = domainKey(connection.uri, uuid);
    const domain = connection.domains.get(uuid);
    if (!domain) return new vscode.TreeItem(uuid);
    const { status } = connection;
    const details = connection.knownDetails(uuid);
    const presentation = presentDomain({
      domain,
      connectionUri: connection.uri,
      writable: status.kind === 'connected' && !status.readOnly,
      current: status.kind === 'connected',
      osId: details?.devices.osId,
      system: this.#receivers.system(key),
      receiver: activityOf(domain.state) === 'running' ? this.#receivers.state(key, details) : 'unknown',
    });
    return treeItem(key, presentation, vscode.TreeItemCollapsibleState.Collapsed);
  }

  #linksItem({ connection, uuid }: LinksNode): vscode.TreeItem {
    const name = connection.domains.get(uuid)?.name ?? uuid;
    const presentation = presentLinks(name, connection.knownDetails(uuid)?.candidates);
    const id = `${domainKey(connection.uri, uuid)}\nlinks`;
    return treeItem(id, presentation, vscode.TreeItemCollapsibleState.Collapsed);
  }

  #connectionNode(connection: ManagedConnection): ConnectionNode {
    const known = this.#connectionNodes.get(connection.uri);
    if (known?.connection === connection) return known;
    const node: ConnectionNode = { kind: 'connection', connection };
    this.#connectionNodes.set(connection.uri, node);
    return node;
  }

  #domainNode(connection: ManagedConnection, uuid: string): DomainNode {
    const key = domainKey(connection.uri, uuid);
    const known = this.#domainNodes.get(key);
    if (known?.connection === connection) return known;
    const node: DomainNode = { kind: 'domain', connection, uuid };
    this.#domainNodes.set(key, node);
    return node;
  }

  #linksNode(connection: ManagedConnection, uuid: string): LinksNode {
    const key = domainKey(connection.uri, uuid);
    const known = this.#linksNodes.get(key);
    if (known?.connection === connection) return known;
    const node: LinksNode = { kind: 'links', connection, uuid };
    this.#linksNodes.set(key, node);
    return node;
  }

  #onConnections({ connection, change }: ConnectionsChange): void {
    // A connection's state decides whether a welcome text replaces the tree, so the root is drawn again.
    if (!connection || change.kind === 'connection') this.refreshAll();
    else this.#outdateDomain(connection, change.uuid);
  }

  /** One that was started or stopped moves to another place, so that the whole list is drawn again. */
  #outdateDomain(connection: ManagedConnection, uuid: string): void {
    const key = domainKey(connection.uri, uuid);
    const domain = connection.domains.get(uuid);
    const moves = domain && this.#activities.get(key) !== activityOf(domain.state);
    this.#outdate(moves ? this.#connectionNodes.get(connection.uri) : this.#domainNodes.get(key));
  }

  #outdate(node: DomainsNode | undefined): void {
    if (!node) return;
    this.#outdated.add(node);
    this.#redraw();
  }

  #fire(): void {
    const nodes = this.#outdatedAll ? undefined : [...this.#outdated];
    this.#outdatedAll = false;
    this.#outdated.clear();
    this.#onDidChange.fire(nodes);
  }
}
