import * as vscode from 'vscode';
import type { Transfer } from '../../engine/transfers/transfer.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { l10n } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import { presentTransfer } from '../transfers/transferPresentation.ts';
import { isTransferNode } from '../transfers/transfersTree.ts';

/** The transfer the command was called on. From the palette: the only one that fits, or the one the user picks. */
export async function chooseTransfer(
  transfers: TransferList,
  node: unknown,
  fits: (transfer: Transfer) => boolean,
): Promise<Transfer | undefined> {
  if (isTransferNode(node)) return transfers.get(node.id);
  const fitting = transfers.all.filter(fits);
  if (fitting.length === 1) return fitting[0];
  if (fitting.length === 0) {
    tell.info(l10n.t('No transfer can be used with this command.'));
    return undefined;
  }
  const items = fitting.map(transfer => {
    const { label, description } = presentTransfer(transfer);
    return { label, description, transfer };
  });
  const picked = await vscode.window.showQuickPick(items, { placeHolder: l10n.t('Select a transfer') });
  return picked?.transfer;
}
