import * as vscode from 'vscode';
import type { CopyFlow } from '../copy/copyFlow.ts';
import type { Target } from '../copy/domainChoices.ts';
import { l10n } from '../support/l10n.ts';
import { type DomainsNode, domainOf } from './domainsNode.ts';

const URI_LIST = 'text/uri-list';

/** Files dragged onto a domain or one of its links, from the Explorer or from outside, are copied there. */
export function dropFiles(flow: CopyFlow): vscode.TreeDragAndDropController<DomainsNode> {
  return {
    dropMimeTypes: [URI_LIST, 'files'],
    dragMimeTypes: [],
    async handleDrop(node, data) {
      const uris = await droppedUris(data);
      if (uris.length > 0) await flow.copy(uris, targetOf(node), linkOf(node));
      else void vscode.window.showWarningMessage(nothingText());
    },
  };
}

export function targetOf(node: DomainsNode | undefined): Target | undefined {
  const domain = domainOf(node);
  return node && domain ? { kind: 'domain', connection: node.connection, domain } : undefined;
}

export function linkOf(node: DomainsNode | undefined): string | undefined {
  return node?.kind === 'link' ? node.candidate.device : undefined;
}

/** A browser gives what is dragged in from outside without its path. */
function nothingText(): string {
  return l10n.t(
    'What was dropped has no place on this computer: drag it from the Explorer, or save it first.',
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
