import { consoleOf } from '../console/consoleOf.ts';
import { isDomainsNode } from '../domains/domainsTree.ts';
import { l10n } from '../support/l10n.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

/** Opens the domain's console in a terminal, or the link that the command was called on. */
export const openConsole: Command = async ({ connections, consoles }, node) => {
  const title = l10n.t('Open a Serial Console');
  const place = await chooseDomain(connections, node, { title, fitting: ['running', 'paused'] });
  if (!place) return;
  const link = isDomainsNode(node) && node.kind === 'link' ? node.candidate : undefined;
  const candidate = link ?? (await consoleOf(place));
  if (candidate) consoles.show(place, candidate);
};
