import * as vscode from 'vscode';
import { l10n } from '../support/l10n.ts';
import type { Command } from './command.ts';

/** Removes all finished transfers from the view, but asks about those that can be resumed. */
export const clearTransfers: Command = async ({ transfers }) => {
  const kept = transfers.clearFinished();
  if (kept.length === 0) return;
  const removeToo = l10n.t('Remove Too');
  const text =
    kept.length === 1
      ? l10n.t('1 interrupted transfer stays, so that you can resume it.')
      : l10n.t('{0} interrupted transfers stay, so that you can resume them.', kept.length);
  const answer = await vscode.window.showInformationMessage(text, removeToo);
  if (answer === removeToo) for (const id of kept) transfers.remove(id);
};
