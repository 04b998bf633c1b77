import type { ConnectionStatus } from '../../engine/connections/connectionStatus.ts';

/** Which of the manifest's welcome texts stands in place of the tree; '' none. */
export type Welcome = '' | 'no-connection' | 'no-socket' | 'denied' | 'no-domain';

export interface WelcomeFacts {
  readonly status: ConnectionStatus;
  readonly domainCount: number;
}

const REFUSALS: ReadonlySet<string> = new Set(['access-denied', 'denied', 'auth-failed']);

/**
 * With a single connection, what is wrong with it is all there is to say. Among several, each one says it itself, and
 * so does one that worked before: then its domains are still worth seeing.
 */
export function welcomeFor(connections: readonly WelcomeFacts[]): Welcome {
  const [only] = connections;
  if (!only) return 'no-connection';
  if (connections.length > 1) return '';
  const { status, domainCount } = only;
  if (status.kind === 'connected') return domainCount === 0 ? 'no-domain' : '';
  if (status.kind !== 'failed' || status.wasConnected) return '';
  if (status.code === 'no-socket') return 'no-socket';
  return REFUSALS.has(status.code) ? 'denied' : '';
}
