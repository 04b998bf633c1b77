import * as vscode from 'vscode';
import { activeFile } from '../sources/sources.ts';
import { l10n } from '../support/l10n.ts';
import type { Command } from './command.ts';

/**
 * Copies what the command was called on: in the Explorer the selected files, on an editor's tab its file, from the
 * palette the active file. Without any, it asks for files.
 */
export const copyToGuest: Command = async ({ copyFlow }, clicked, selected) => {
  const uris = await sourceUris(clicked, selected);
  return uris.length > 0 ? copyFlow.copy(uris) : undefined;
};

export async function sourceUris(clicked: unknown, selected: unknown): Promise<readonly vscode.Uri[]> {
  const all = (Array.isArray(selected) ? selected : []).filter(uri => uri instanceof vscode.Uri);
  if (all.length > 0) return all;
  if (clicked instanceof vscode.Uri) return [clicked];
  const active = activeFile();
  return active ? [active] : askFiles();
}

export async function askFiles(): Promise<readonly vscode.Uri[]> {
  const openLabel = l10n.t('Copy');
  const title = l10n.t('Select Files to Copy to the Guest');
  const chosen = await vscode.window.showOpenDialog({ canSelectMany: true, openLabel, title });
  return chosen ?? [];
}
