import * as vscode from 'vscode';
import { type Activity, activityOf } from '../../engine/connections/activity.ts';
import type { Connections, DomainPlace } from '../../engine/connections/connections.ts';
import { stateMessage } from '../../engine/messages/stateMessages.ts';
import { domainOf, isDomainsNode } from '../domains/domainsTree.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';

export interface DomainChoice {
  /** What for, such as "Shut Down a Domain". */
  readonly title: string;
  /** In which states the command does anything. */
  readonly fitting: readonly Activity[];
}

/** The domain the command was called on. From the palette: the one the user picks among those that fit. */
export async function chooseDomain(
  connections: Connections,
  node: unknown,
  { title, fitting }: DomainChoice,
): Promise<DomainPlace | undefined> {
  if (isDomainsNode(node)) {
    const domain = domainOf(node);
    return domain && { connection: node.connection, domain };
  }
  await connections.openAll();
  const places = connections.domains().filter(place => isWritable(place) && fits(place, fitting));
  const items = places.map(place => ({
    label: harmless(place.domain.name),
    description: `${localized(stateMessage(place.domain.state))} · ${harmless(place.connection.uri)}`,
    place,
  }));
  if (items.length === 0) {
    tell.info(l10n.t('{0}: no domain is in a state that allows this.', title));
    return undefined;
  }
  const placeHolder = l10n.t('Select a domain');
  return (await vscode.window.showQuickPick(items, { title, placeHolder }))?.place;
}

function fits({ domain }: DomainPlace, fitting: readonly Activity[]): boolean {
  return fitting.includes(activityOf(domain.state));
}

function isWritable({ connection: { status } }: DomainPlace): boolean {
  return status.kind === 'connected' && !status.readOnly;
}
