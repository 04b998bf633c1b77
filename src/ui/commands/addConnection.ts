import * as vscode from 'vscode';
import { DEFAULT_CONNECTION } from '../../engine/connections/connections.ts';
import { type Engine, loadEngine } from '../../engine/loadEngine.ts';
import { settings } from '../settings.ts';
import { l10n, localized } from '../support/l10n.ts';
import type { Command } from './command.ts';

/** Adds a URI to the setting, which the tree follows. */
export const addConnection: Command = async () => {
  const uri = await askUri();
  const configured = settings.connections;
  if (uri !== undefined && !configured.includes(uri)) await settings.setConnections([...configured, uri]);
  await vscode.commands.executeCommand('guestwire.domains.focus');
};

async function askUri(): Promise<string | undefined> {
  const other = l10n.t('Other…');
  const known = [
    { label: DEFAULT_CONNECTION, description: l10n.t("virsh's default connection") },
    { label: 'qemu:///system', description: l10n.t("the system's virtual machines") },
    { label: 'qemu:///session', description: l10n.t('your own virtual machines') },
  ];
  const news = known.filter(({ label }) => !settings.connections.includes(label));
  const items = [...news, { label: other, description: '' }];
  const picked = await vscode.window.showQuickPick(items, {
    placeHolder: l10n.t('Select a libvirt connection'),
  });
  return picked?.label === other ? askOther() : picked?.label;
}

async function askOther(): Promise<string | undefined> {
  const engine = await loadEngine();
  const uri = await vscode.window.showInputBox({
    title: l10n.t('Add Connection'),
    prompt: l10n.t('Enter a local libvirt URI'),
    placeHolder: 'qemu:///system?socket=/var/run/libvirt/libvirt-sock',
    ignoreFocusOut: true,
    validateInput: text => uriProblem(engine, text.trim()),
  });
  return uri?.trim();
}

function uriProblem(engine: Engine, text: string): string | undefined {
  try {
    if (engine.parseUri(text).transport === 'unix') return undefined;
    return l10n.t(
      'Only local connections are supported. Enter a URI without a host, such as qemu:///system.',
    );
  } catch (error) {
    return localized(engine.describeError(error));
  }
}
