import { showDetails } from '../transfers/transferDetails.ts';
import { chooseTransfer } from './chooseTransfer.ts';
import type { Command } from './command.ts';

export const showTransferDetails: Command = async ({ transfers }, node) => {
  const transfer = await chooseTransfer(transfers, node, () => true);
  if (transfer) await showDetails(transfer.id, transfers);
};
