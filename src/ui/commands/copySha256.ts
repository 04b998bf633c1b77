import * as vscode from 'vscode';
import { l10n } from '../support/l10n.ts';
import { hashesText } from '../transfers/transferText.ts';
import { chooseTransfer } from './chooseTransfer.ts';
import type { Command } from './command.ts';

/** A single file's hash alone; several as lines that `sha256sum --check` reads. */
export const copySha256: Command = async ({ transfers }, node) => {
  const transfer = await chooseTransfer(transfers, node, ({ outcome }) => (outcome?.hashes.length ?? 0) > 0);
  if (!transfer?.outcome) return;
  await vscode.env.clipboard.writeText(hashesText(transfer.outcome));
  vscode.window.setStatusBarMessage(l10n.t('SHA-256 copied to the clipboard'), 3_000);
};
