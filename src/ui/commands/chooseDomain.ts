import * as vscode from 'vscode';
import { type Activity, activityOf } from '../../engine/connections/activity.ts';
import type { Connections, DomainPlace } from '../../engine/connections/connections.ts';
import { stateMessage } from '../../engine/messages/stateMessages.ts';
import { domainOf, isDomainsNode } from '../domains/domainsTree.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';

/** The domain the command was called on. From the palette: the one the user picks among those in a fitting state. */
export async function chooseDomain(
  connections: Connections,
  node: unknown,
  fitting: readonly Activity[],
): Promise<DomainPlace | undefined> {
  if (isDomainsNode(node)) {
    const domain = domainOf(node);
    return domain && { connection: node.connection, domain };
  }
  await connections.openAll();
  const places = connections.domains().filter(({ domain }) => fitting.includes(activityOf(domain.state)));
  const items = places.map(place => ({
    label: harmless(place.domain.name),
    description: `${localized(stateMessage(place.domain.state))} · ${harmless(place.connection.uri)}`,
    place,
  }));
  if (items.length === 0) {
    tell.info(l10n.t('No domain is in a state that allows this.'));
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(items, { placeHolder: l10n.t('Select a domain') });
  return picked?.place;
}
