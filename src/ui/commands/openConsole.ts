import { consoleOf } from '../console/consoleOf.ts';
import { isDomainsNode } from '../domains/domainsTree.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

/** Opens the domain's console in a terminal, or the link that the command was called on. */
export const openConsole: Command = async ({ connections, consoles }, node) => {
  const place = await chooseDomain(connections, node, ['running', 'paused']);
  if (!place) return;
  const link = isDomainsNode(node) && node.kind === 'link' ? node.candidate : undefined;
  const candidate = link ?? (await consoleOf(place));
  if (candidate) consoles.show(place, candidate);
};
