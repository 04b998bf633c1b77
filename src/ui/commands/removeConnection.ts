import * as vscode from 'vscode';
import { DEFAULT_CONNECTION } from '../../engine/connections/connections.ts';
import { isDomainsNode } from '../domains/domainsTree.ts';
import { settings } from '../settings.ts';
import { l10n } from '../support/l10n.ts';
import type { Command } from './command.ts';

/** Removes a connection from the settings, under each of its names. Its domains aren't touched. */
export const removeConnection: Command = async ({ connections }, node) => {
  await connections.load();
  // The word `default` stands for a URI that may be there as well: the tree shows both as one connection.
  const uriOf = (configured: string) =>
    configured === DEFAULT_CONNECTION ? (connections.default?.uri ?? configured) : configured;
  const picked = isDomainsNode(node) ? node.connection.uri : await askWhich();
  if (picked !== undefined) await settings.removeConnections(one => uriOf(one) === uriOf(picked));
};

function askWhich(): Thenable<string | undefined> {
  return vscode.window.showQuickPick([...new Set(settings.connections)], {
    placeHolder: l10n.t('Select a connection to remove from the list'),
  });
}
