import { isFinished } from '../../engine/transfers/transfer.ts';
import { chooseTransfer } from './chooseTransfer.ts';
import type { Command } from './command.ts';

export const cancelTransfer: Command = async ({ transfers }, node) => {
  const transfer = await chooseTransfer(transfers, node, ({ state }) => !isFinished(state));
  if (transfer) transfers.cancel(transfer.id);
};
