import * as vscode from 'vscode';
import { targetName } from '../../engine/guest/target.ts';
import { isFinished, type Transfer } from '../../engine/transfers/transfer.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { isTransferNode } from '../transfers/transfersTree.ts';
import { resumeText, sourcesText } from '../transfers/transferText.ts';
import type { Command } from './command.ts';

/** Removes one transfer from the view: the one the command was called on, or by its key the selected one. */
export const removeTransfer: Command = async ({ transfers, transfersView }, node) => {
  const chosen = isTransferNode(node) ? node : transfersView.selection[0];
  const transfer = chosen && transfers.get(chosen.id);
  if (!transfer) return;
  if (isFinished(transfer.state)) transfers.remove(transfer.id);
  else if (await wantsToStop(transfer)) transfers.cancel(transfer.id);
};

/** A key is pressed by mistake more easily than a button. The transfer stays in the list, from which it can be retried. */
async function wantsToStop({ request }: Transfer): Promise<boolean> {
  const stop = l10n.t('Stop Copying');
  const guest = harmless(targetName(request.target));
  const question = l10n.t('Stop copying {0} to {1}?', sourcesText(request), guest);
  return (
    (await vscode.window.showWarningMessage(question, { modal: true, detail: resumeText() }, stop)) === stop
  );
}
