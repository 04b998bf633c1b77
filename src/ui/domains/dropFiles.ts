import * as vscode from 'vscode';
import { l10n } from '../../engine/support/l10n.ts';
import type { Target } from '../../engine/transfers/domainChoices.ts';
import { type DomainsNode, domainOf } from './domainsTree.ts';

const URI_LIST = 'text/uri-list';

/** Copies the dropped files. The view needs to know nothing else about copying. */
export interface DropTarget {
  copy(uris: readonly vscode.Uri[], targets: readonly Target[], link: string | undefined): Promise<void>;
}

/**
 * Copies files dragged from the Explorer or from outside to the domain or link they're dropped on. Dropped on one of
 * several selected domains, they go to all of those.
 */
export function dropFiles(
  flow: DropTarget,
  selection: () => readonly DomainsNode[],
): vscode.TreeDragAndDropController<DomainsNode> {
  return {
    dropMimeTypes: [URI_LIST, 'files'],
    dragMimeTypes: [],
    async handleDrop(node, data) {
      const uris = await droppedUris(data);
      if (uris.length > 0) await flow.copy(uris, targetsOf(node, selection()), linkOf(node));
      else void vscode.window.showWarningMessage(nothingText());
    },
  };
}

/** The node's domain, or all selected domains if it's one of them. */
export function targetsOf(node: DomainsNode | undefined, selected: readonly DomainsNode[]): Target[] {
  if (node?.kind !== 'domain' || !selected.includes(node)) return targetOf(node);
  return selected.filter(({ kind }) => kind === 'domain').flatMap(targetOf);
}

function targetOf(node: DomainsNode | undefined): Target[] {
  const domain = domainOf(node);
  return node && domain ? [{ kind: 'domain', connection: node.connection, domain }] : [];
}

export function linkOf(node: DomainsNode | undefined): string | undefined {
  return node?.kind === 'link' ? node.candidate.device : undefined;
}

/** Shown in a browser, which doesn't tell the path of files dragged in from outside. */
function nothingText(): string {
  return l10n.t(
    "The dropped item isn't a file on this computer. Drag it from the Explorer, or save it first.",
  );
}

async function droppedUris(data: vscode.DataTransfer): Promise<vscode.Uri[]> {
  const list = (await data.get(URI_LIST)?.asString()) ?? '';
  const lines = list.split(/\r?\n/).filter(line => line !== '' && !line.startsWith('#'));
  if (lines.length > 0) return lines.map(line => vscode.Uri.parse(line, true));
  const files: vscode.Uri[] = [];
  for (const [, item] of data) {
    const uri = item.asFile()?.uri;
    if (uri) files.push(uri);
  }
  return files;
}
