import type { DomainState, ListedDomain } from 'libvirt';
import { activityOf } from '../../engine/connections/activity.ts';
import type { ConnectionStatus } from '../../engine/connections/connectionStatus.ts';
import type { GuestSystem, ReceiverState } from '../../engine/connections/receivers.ts';
import { candidateReason, linkLabel } from '../../engine/messages/linkMessages.ts';
import { stateMessage } from '../../engine/messages/stateMessages.ts';
import type { Candidate, CandidateUse } from '../../link/index.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import type { Icon, Presentation } from '../treeItem.ts';

/** Of a running domain: the first thing to know of it, and a narrow view shows little else. */
const RECEIVER_ICONS: Readonly<Record<ReceiverState, Icon>> = {
  ready: { id: 'vm-connect', color: 'charts.green' },
  silent: { id: 'vm-active', color: 'charts.orange' },
  unknown: { id: 'vm-running', color: 'charts.foreground' },
};

const ICONS: Readonly<Partial<Record<DomainState, Icon>>> = {
  nostate: { id: 'question' },
  paused: { id: 'debug-pause', color: 'charts.yellow' },
  pmsuspended: { id: 'debug-pause', color: 'charts.blue' },
  shutdown: { id: 'sync~spin', color: 'charts.yellow' },
  shutoff: { id: 'vm-outline' },
  crashed: { id: 'error', color: 'charts.red' },
};

export interface DomainFacts {
  readonly domain: ListedDomain;
  readonly connectionUri: string;
  /** Connected with write access. */
  readonly writable: boolean;
  /** False while the connection is lost; the state is then the last known one. */
  readonly current: boolean;
  /** libosinfo's id of the guest's system, if the domain's XML was read. */
  readonly osId?: string | undefined;
  /** The guest's system as its receiver reported it. */
  readonly system?: GuestSystem | undefined;
  readonly receiver: ReceiverState;
}

export function presentDomain(facts: DomainFacts): Presentation {
  const { domain, current } = facts;
  const activity = activityOf(domain.state);
  const name = harmless(domain.name);
  const state = current
    ? localized(stateMessage(domain.state))
    : l10n.t('last seen {0}', localized(stateMessage(domain.state)));
  const system = systemText(facts.osId, facts.system);
  const receiver = activity === 'running' && current ? receiverText(facts.receiver) : '';
  const words = [state, system, receiver].filter(Boolean);
  const access = current && facts.writable ? 'writable' : 'readonly';
  return {
    label: name,
    description: words.join(' · '),
    tooltip: domainTooltip(facts, state, system, receiver),
    accessibleLabel: [l10n.t('Domain {0}', name), ...words].join(', '),
    icon: current
      ? (ICONS[domain.state] ?? RECEIVER_ICONS[facts.receiver])
      : { id: 'vm-outline', color: 'disabledForeground' },
    contextValue: `domain ${activity} ${access}`,
  };
}

function domainTooltip(facts: DomainFacts, state: string, system: string, receiver: string): string {
  const lines = [
    harmless(facts.domain.name),
    l10n.t('State: {0}', state),
    system && l10n.t('Guest: {0}', system),
    receiver,
    l10n.t('Connection: {0}', harmless(facts.connectionUri)),
    `UUID: ${facts.domain.uuid}`,
  ];
  return lines.filter(Boolean).join('\n');
}

export function receiverText(state: ReceiverState): string {
  switch (state) {
    case 'ready':
      return l10n.t('receiver ready');
    case 'silent':
      return l10n.t('receiver not answering');
    case 'unknown':
      return l10n.t('receiver unknown');
  }
}

/** "Debian 12" from libosinfo's `http://debian.org/debian/12`; else what the receiver says. */
export function systemText(osId: string | undefined, system: GuestSystem | undefined): string {
  const [, family, version] = /^https?:\/\/[^/]+\/([^/]+)\/([^/]+)$/.exec(osId ?? '') ?? [];
  if (family && version) {
    const name = family === 'win' ? 'Windows' : family.charAt(0).toUpperCase() + family.slice(1);
    return harmless(`${name} ${version}`);
  }
  return system === undefined ? '' : { linux: 'Linux', windows: 'Windows', posix: 'POSIX' }[system];
}

export interface ConnectionFacts {
  readonly uri: string;
  readonly status: ConnectionStatus;
  readonly domainCount: number;
}

export function presentConnection({ uri, status, domainCount }: ConnectionFacts): Presentation {
  const whole = harmless(uri);
  const state = connectionText(status, domainCount);
  const problem = status.kind === 'failed' ? localized(status.message) : '';
  const { name, rest } = connectionName(uri);
  return {
    label: name,
    // Connections may differ in their parameters alone, so these are shown; last, because a narrow view cuts them off.
    description: [state, rest].filter(Boolean).join(' · '),
    tooltip: [whole, state, problem].filter(Boolean).join('\n'),
    accessibleLabel: [l10n.t('Connection {0}', whole), state, problem].filter(Boolean).join(', '),
    icon: connectionIcon(status),
    contextValue: `connection ${status.kind}`,
  };
}

/**
 * A name for people, and what it leaves out: what stands behind the URI's `#`, which libvirt's clients ignore, else the
 * URI without its parameters.
 */
export function connectionName(uri: string): { readonly name: string; readonly rest: string } {
  const [address = '', fragment = ''] = harmless(uri).split('#', 2);
  const [path = '', parameters = ''] = address.split('?', 2);
  return fragment === '' ? { name: path, rest: parameters } : { name: fragment, rest: address };
}

function connectionText(status: ConnectionStatus, domainCount: number): string {
  switch (status.kind) {
    case 'idle':
      return '';
    case 'connecting':
      return l10n.t('connecting…');
    case 'connected': {
      const count = domainCount === 1 ? l10n.t('1 domain') : l10n.t('{0} domains', domainCount);
      return status.readOnly ? `${count} · ${l10n.t('read-only')}` : count;
    }
    case 'failed':
      if (!status.wasConnected) return l10n.t('not connected');
      return status.retrying ? l10n.t('connection lost, reconnecting…') : l10n.t('connection lost');
  }
}

function connectionIcon(status: ConnectionStatus): Icon {
  if (status.kind === 'connecting') return { id: 'loading~spin' };
  if (status.kind === 'failed') return { id: 'warning', color: 'charts.yellow' };
  return { id: status.kind === 'connected' && status.readOnly ? 'lock' : 'server' };
}

const LINK_ICONS: Readonly<Record<CandidateUse, string>> = {
  automatic: 'plug',
  'closed-in-guest': 'debug-disconnect',
  'named-only': 'terminal',
  unusable: 'circle-slash',
};

/** @param candidates - undefined until they have been read */
export function presentLinks(domainName: string, candidates: readonly Candidate[] | undefined): Presentation {
  const count = candidates?.filter(({ use }) => use !== 'unusable').length;
  const label = l10n.t('Links');
  const tooltip = l10n.t('Serial ports, consoles and virtio channels of {0}', harmless(domainName));
  return {
    label,
    description: count === undefined ? '' : String(count),
    tooltip,
    accessibleLabel: [tooltip, count].filter(part => part !== undefined).join(', '),
    icon: { id: 'plug' },
    contextValue: 'links',
  };
}

export function presentLink(candidate: Candidate): Presentation {
  const label = localized(linkLabel(candidate));
  const reason = localized(candidateReason(candidate.reason));
  return {
    label,
    description: reason,
    tooltip: `${label}\n${reason}`,
    accessibleLabel: l10n.t('Link {0}: {1}', label, reason),
    icon: { id: LINK_ICONS[candidate.use] },
    contextValue: `link ${candidate.use}`,
  };
}

/** Which of the manifest's welcome texts is shown instead of the tree; '' for none. */
export type Welcome = '' | 'no-connection' | 'no-socket' | 'denied' | 'no-domain';

export interface WelcomeFacts {
  readonly status: ConnectionStatus;
  readonly domainCount: number;
}

const REFUSALS: ReadonlySet<string> = new Set(['access-denied', 'denied', 'auth-failed']);

/**
 * A single connection that fails is explained in place of the tree. Of several, each shows its own problem. One that
 * worked before stays in the tree as well, because its domains are still worth seeing.
 *
 * @param isInstead - the view says why this isn't the connection one would expect; VS Code shows no welcome beside that
 */
export function welcomeFor(connections: readonly WelcomeFacts[], isInstead = false): Welcome {
  if (isInstead) return '';
  const [only] = connections;
  if (!only) return 'no-connection';
  if (connections.length > 1) return '';
  const { status, domainCount } = only;
  if (status.kind === 'connected') return domainCount === 0 ? 'no-domain' : '';
  if (status.kind !== 'failed' || status.wasConnected) return '';
  if (status.code === 'no-socket') return 'no-socket';
  return REFUSALS.has(status.code) ? 'denied' : '';
}
