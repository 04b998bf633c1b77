import { type DomainsNode, isDomainsNode } from '../domains/domainsTree.ts';
import { targetsOf } from '../domains/dropFiles.ts';
import type { Command } from './command.ts';
import { askFiles } from './copyToGuest.ts';

/** Called on domains or a link in the tree; asks which files to copy there. */
export const copyFilesHere: Command = async ({ copyFlow }, node, selected) => {
  if (!isDomainsNode(node)) return undefined;
  const uris = await askFiles();
  return uris.length > 0 ? copyFlow.copy(uris, targetsOf(node, nodesOf(selected))) : undefined;
};

function nodesOf(selected: unknown): DomainsNode[] {
  return Array.isArray(selected) ? selected.filter(isDomainsNode) : [];
}
