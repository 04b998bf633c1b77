import * as vscode from 'vscode';
import { DEFAULT_CONNECTION } from '../../engine/connections/connections.ts';
import { loadEngine } from '../../engine/loadEngine.ts';
import { isDomainsNode } from '../domains/domainsTree.ts';
import { settings } from '../settings.ts';
import { l10n } from '../support/l10n.ts';
import type { Command } from './command.ts';

/** Removes a URI from the setting. Its domains aren't touched. */
export const removeConnection: Command = async (_parts, node) => {
  const configured = settings.connections;
  const uri = isDomainsNode(node) ? await settingOf(node.connection.uri) : await askWhich(configured);
  if (uri !== undefined) await settings.setConnections(configured.filter(one => one !== uri));
};

/** The setting may contain the word `default` for the URI that the tree shows. */
async function settingOf(uri: string): Promise<string> {
  if (settings.connections.includes(uri)) return uri;
  const { defaultUri } = await loadEngine();
  return uri === defaultUri() ? DEFAULT_CONNECTION : uri;
}

function askWhich(configured: readonly string[]): Thenable<string | undefined> {
  return vscode.window.showQuickPick(configured, {
    placeHolder: l10n.t('Select a connection to remove from the list'),
  });
}
