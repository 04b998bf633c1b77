import * as vscode from 'vscode';
import { awaitLeaving } from '../../engine/connections/awaitActivity.ts';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import type { DomainNode } from '../domains/domainsTree.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

/** A guest that is still running after that has probably ignored its power button, as some are set to. */
const PATIENCE_MS = 60_000;

/** Asks the guest to shut down, as its power button would, and shows that until it has. */
export const shutdownDomain: Command = async ({ connections }, node) => {
  const title = l10n.t('Shut Down a Domain');
  const place = await chooseDomain(connections, node, { title, fitting: ['running'] });
  if (!place) return;
  await place.connection.use(connection => connection.shutdownDomain(place.domain));
  while (await ignoresIt(place)) if (!(await keepWaiting(place))) return;
};

/** @returns whether the guest has shown no sign in a minute */
async function ignoresIt(place: DomainPlace): Promise<boolean> {
  const title = l10n.t('Shutting down "{0}"', harmless(place.domain.name));
  const location = vscode.ProgressLocation.Notification;
  const waiting = () => awaitLeaving(place, ['running', 'stopping'], PATIENCE_MS);
  return (await vscode.window.withProgress({ location, title }, waiting)) === 'timeout';
}

async function keepWaiting({ connection, domain }: DomainPlace): Promise<boolean> {
  const forceOff = l10n.t('Force Off…');
  const wait = l10n.t('Keep Waiting');
  const text = l10n.t('"{0}" hasn\'t reacted to the request to shut down.', harmless(domain.name));
  const answer = await vscode.window.showWarningMessage(text, forceOff, wait);
  if (answer === forceOff) {
    const node: DomainNode = { kind: 'domain', connection, uuid: domain.uuid };
    await vscode.commands.executeCommand('guestwire.destroyDomain', node);
  }
  return answer === wait;
}
