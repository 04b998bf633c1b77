import type { ListedDomain } from 'libvirt';
import type { ManagedConnection } from '../../engine/connections/managedConnection.ts';
import type { Candidate } from '../../link/index.ts';

export interface ConnectionNode {
  readonly kind: 'connection';
  readonly connection: ManagedConnection;
}

export interface DomainNode {
  readonly kind: 'domain';
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
  readonly id: string;
  readonly text: string;
  readonly icon: string;
}

export type DomainsNode = ConnectionNode | DomainNode | LinkNode | NoteNode;

/** What a command gets from the tree, told from whatever else VS Code may pass it. */
export function isDomainsNode(value: unknown): value is DomainsNode {
  return typeof value === 'object' && value !== null && 'kind' in value && 'connection' in value;
}

export function domainOf(node: DomainsNode | undefined): ListedDomain | undefined {
  if (node?.kind !== 'domain' && node?.kind !== 'link') return undefined;
  return node.connection.domains.get(node.uuid);
}
