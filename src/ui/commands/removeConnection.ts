import * as vscode from 'vscode';
import { DEFAULT_CONNECTION } from '../../engine/connections/connections.ts';
import { isDomainsNode } from '../domains/domainsTree.ts';
import { settings } from '../settings.ts';
import { l10n } from '../support/l10n.ts';
import type { Command } from './command.ts';

/** Removes a URI from the setting. Its domains aren't touched. */
export const removeConnection: Command = async ({ connections }, node) => {
  const configured = settings.connections;
  const uri = isDomainsNode(node)
    ? settingOf(node.connection.uri, connections.default?.uri)
    : await askWhich(configured);
  if (uri !== undefined) await settings.setConnections(configured.filter(one => one !== uri));
};

/** The setting may contain the word `default` for the URI that the tree shows. */
function settingOf(uri: string, defaultUri: string | undefined): string {
  return !settings.connections.includes(uri) && uri === defaultUri ? DEFAULT_CONNECTION : uri;
}

function askWhich(configured: readonly string[]): Thenable<string | undefined> {
  return vscode.window.showQuickPick(configured, {
    placeHolder: l10n.t('Select a connection to remove from the list'),
  });
}
