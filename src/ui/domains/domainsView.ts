import * as vscode from 'vscode';
import type { Connections } from '../../engine/connections/connections.ts';
import type { DomainWatch } from '../../engine/connections/domainWatch.ts';
import type { ManagedConnection } from '../../engine/connections/managedConnection.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import type { DomainsNode, DomainsTree } from './domainsTree.ts';
import { type DropTarget, dropFiles } from './dropFiles.ts';

export interface DomainsViewParts {
  readonly tree: DomainsTree;
  readonly connections: Connections;
  readonly watch: DomainWatch;
  readonly copyFlow: DropTarget;
}

/** Creates the view. While it's visible, the connections stay open and their domains are watched. */
export function showDomains({ tree, connections, watch, copyFlow }: DomainsViewParts): vscode.Disposable {
  const view: vscode.TreeView<DomainsNode> = vscode.window.createTreeView('guestwire.domains', {
    treeDataProvider: tree,
    dragAndDropController: dropFiles(copyFlow, () => view.selection),
    showCollapseAll: true,
    canSelectMany: true,
  });
  const follow = (visible: boolean) => {
    void connections.setVisible(visible);
    watch.setVisible(visible);
  };
  view.onDidChangeVisibility(({ visible }) => follow(visible));
  // After activation, because loading libvirt takes longer than all the rest of it.
  const first = setImmediate(() => follow(view.visible));
  const stop = connections.changes.on(() => showMessage(view, connections));
  const dispose = () => {
    clearImmediate(first);
    stop();
  };
  return vscode.Disposable.from(view, { dispose });
}

function showMessage(view: vscode.TreeView<DomainsNode>, { all }: Connections): void {
  const readOnly = all.some(({ status }) => status.kind === 'connected' && status.readOnly);
  // VS Code's types don't allow undefined here; an empty text hides the message.
  view.message = lostText(all) ?? (readOnly ? readOnlyText() : '');
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
    harmless(first.uri.replace(/\?.*/, '')),
  );
}

function readOnlyText(): string {
  return l10n.t(
    'You have read-only access and can\'t copy files. To get full access, run "sudo usermod -aG libvirt $USER" and log in again.',
  );
}
