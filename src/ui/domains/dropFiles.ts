import * as vscode from 'vscode';
import type { Target } from '../../engine/guest/target.ts';
import { targetOf } from '../../engine/transfers/domainChoices.ts';
import { settings } from '../settings.ts';
import { l10n } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import { type DomainsNode, domainOf } from './domainsTree.ts';

const URI_LIST = 'text/uri-list';

/** Handles a drop on a node, or on the empty part of the view. */
export type DropFiles = (node: DomainsNode | undefined, data: vscode.DataTransfer) => Promise<void>;

/** Copies the dropped files. A drop needs to know nothing else about copying. */
export interface DropTarget {
  copy(uris: readonly vscode.Uri[], targets: readonly Target[]): Promise<void>;
}

/**
 * Copies files dragged from the Explorer or from outside to the domain or link they're dropped on. Dropped on one of
 * several selected domains, they go to all of those.
 */
export function dropFiles(flow: DropTarget, selection: () => readonly DomainsNode[]): DropFiles {
  return async (node, data) => {
    const uris = await droppedUris(data);
    if (uris.length > 0) await flow.copy(uris, targetsOf(node, selection()));
    else tell.warning(nothingText());
  };
}

/** The node's domain, or all selected domains if it's one of them. */
export function targetsOf(node: DomainsNode | undefined, selected: readonly DomainsNode[]): Target[] {
  if (node?.kind !== 'domain' || !selected.includes(node)) return targetAt(node);
  return selected.filter(({ kind }) => kind === 'domain').flatMap(targetAt);
}

function targetAt(node: DomainsNode | undefined): Target[] {
  const domain = domainOf(node);
  if (!node || !domain) return [];
  const place = { connection: node.connection, domain };
  return node.kind === 'link'
    ? [{ ...targetOf(place, node.candidate.device), isLinkChosen: true }]
    : [targetOf(place, settings.linkOf(domain.name))];
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
