import * as vscode from 'vscode';
import type { Connections } from '../../engine/connections/connections.ts';
import type { DomainWatch } from '../../engine/connections/domainWatch.ts';
import type { ManagedConnection } from '../../engine/connections/managedConnection.ts';
import { accessAdvice } from '../../engine/messages/accessMessages.ts';
import { connectionNote } from '../../engine/messages/connectionMessages.ts';
import { message } from '../../engine/messages/message.ts';
import { l10n, localized } from '../support/l10n.ts';
import { connectionName } from './domainPresentation.ts';
import type { DomainsNode } from './domainsTree.ts';

export interface DomainsViewParts {
  readonly view: vscode.TreeView<DomainsNode>;
  readonly connections: Connections;
  readonly watch: DomainWatch;
}

/** While the view is visible, the connections stay open and their domains are watched. */
export function followDomainsView({ view, connections, watch }: DomainsViewParts): vscode.Disposable {
  const follow = (visible: boolean) => {
    void connections.setVisible(visible);
    watch.setVisible(visible);
  };
  const following = view.onDidChangeVisibility(({ visible }) => follow(visible));
  if (view.visible) follow(true);
  const stop = connections.changes.on(() => showMessage(view, connections));
  return vscode.Disposable.from(following, { dispose: stop });
}

function showMessage(view: vscode.TreeView<DomainsNode>, { all, default: chosen }: Connections): void {
  const readOnly = all.find(({ status }) => status.kind === 'connected' && status.readOnly);
  const note = chosen && connectionNote(chosen);
  // VS Code's types don't allow undefined here; an empty text hides the message.
  view.message = lostText(all) ?? (readOnly ? readOnlyText(readOnly) : note ? localized(note) : '');
}

/** The connection's own line says this too, but a narrow view cuts it off. */
function lostText(connections: readonly ManagedConnection[]): string | undefined {
  const lost = connections.filter(({ status }) => status.kind === 'failed' && status.wasConnected);
  const [first] = lost;
  if (!first) return undefined;
  if (lost.length > 1) {
    return l10n.t('{0} connections were lost. The view shows their last known state.', lost.length);
  }
  return l10n.t(
    'The connection to {0} was lost. The view shows the last known state.',
    connectionName(first.uri).name,
  );
}

function readOnlyText({ uri }: ManagedConnection): string {
  const advice = accessAdvice({ code: 'read-only' });
  return localized(message('libvirt.read-only', uri, advice));
}
