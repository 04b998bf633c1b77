import { showDetails } from '../transfers/transferDetails.ts';
import { isTransferNode } from '../transfers/transfersTree.ts';
import { chooseTransfer } from './chooseTransfer.ts';
import type { Command } from './command.ts';

/** Called in the view, the focus stays there, so that its keys go on working. */
export const showTransferDetails: Command = async ({ transfers }, node) => {
  const transfer = await chooseTransfer(transfers, node, () => true);
  if (transfer) await showDetails(transfer.id, transfers, { preserveFocus: isTransferNode(node) });
};
