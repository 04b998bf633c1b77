import * as vscode from 'vscode';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import { defaultConsole } from '../../engine/console/chooseConsole.ts';
import { harmless } from '../../engine/support/harmless.ts';
import { l10n } from '../../engine/support/l10n.ts';
import type { Candidate } from '../../link/index.ts';
import { isDomainsNode } from '../domains/domainsNode.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

/** The domain's console in a terminal; on a link of the tree, that link. */
export const openConsole: Command = async ({ connections, consoles }, node) => {
  const place = await chooseDomain(connections, node, ['running', 'paused']);
  if (!place) return;
  const link = isDomainsNode(node) && node.kind === 'link' ? node.candidate : undefined;
  const candidate = link ?? (await consoleOf(place));
  if (candidate) consoles.show(place, candidate);
};

/** The console where a login may be; says so if there is none. */
export async function consoleOf(place: DomainPlace): Promise<Candidate | undefined> {
  const candidate = defaultConsole(await place.connection.details(place.domain));
  if (!candidate) {
    const name = harmless(place.domain.name);
    const message = l10n.t('"{0}" has no serial console. Add a serial port to its definition.', name);
    void vscode.window.showWarningMessage(message);
  }
  return candidate;
}
