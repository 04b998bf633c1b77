import * as vscode from 'vscode';
import type { DomainsNode } from '../domains/domainsTree.ts';
import type { TransferNode } from '../transfers/transfersTree.ts';
import type { LazyApp } from './lazyApp.ts';
import { LazyTree } from './lazyTree.ts';

export interface LazyViews extends vscode.Disposable {
  readonly domains: vscode.TreeView<DomainsNode>;
  readonly transfers: vscode.TreeView<TransferNode>;
}

/** Both views, registered without their trees. */
export function createViews(app: LazyApp): LazyViews {
  const domainsTree = new LazyTree<DomainsNode>(() => app.use(({ domainsTree }) => domainsTree));
  const transfersTree = new LazyTree<TransferNode>(() => app.use(({ transfersTree }) => transfersTree));
  const domains = vscode.window.createTreeView('guestwire.domains', {
    treeDataProvider: domainsTree,
    dragAndDropController: {
      dropMimeTypes: ['text/uri-list', 'files'],
      dragMimeTypes: [],
      handleDrop: (node, data) => app.use(({ dropFiles }) => dropFiles(node, data)),
    },
    showCollapseAll: true,
    canSelectMany: true,
  });
  const transfers = vscode.window.createTreeView('guestwire.transfers', { treeDataProvider: transfersTree });
  const all = vscode.Disposable.from(domains, transfers, domainsTree, transfersTree);
  return { domains, transfers, dispose: () => all.dispose() };
}
