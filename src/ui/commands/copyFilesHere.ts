import { isDomainsNode } from '../domains/domainsNode.ts';
import { linkOf, targetOf } from '../domains/dropFiles.ts';
import type { Command } from './command.ts';
import { askFiles } from './copyToGuest.ts';

/** From the tree: the domain, or one of its links, is known, and the files are asked for. */
export const copyFilesHere: Command = async ({ copyFlow }, node) => {
  if (!isDomainsNode(node)) return undefined;
  const uris = await askFiles();
  return uris.length > 0 ? copyFlow.copy(uris, targetOf(node), linkOf(node)) : undefined;
};
