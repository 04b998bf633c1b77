import { type DomainsNode, isDomainsNode } from '../domains/domainsTree.ts';
import { linkOf, targetsOf } from '../domains/dropFiles.ts';
import type { Command } from './command.ts';
import { askFiles } from './copyToGuest.ts';

/** From the tree: the domains, or one of their links, are known, and the files are asked for. */
export const copyFilesHere: Command = async ({ copyFlow }, node, selected) => {
  if (!isDomainsNode(node)) return undefined;
  const uris = await askFiles();
  return uris.length > 0 ? copyFlow.copy(uris, targetsOf(node, nodesOf(selected)), linkOf(node)) : undefined;
};

function nodesOf(selected: unknown): DomainsNode[] {
  return Array.isArray(selected) ? selected.filter(isDomainsNode) : [];
}
