import { canRetry } from '../../engine/transfers/transfer.ts';
import { chooseTransfer } from './chooseTransfer.ts';
import type { Command } from './command.ts';

/**
 * Copies again. Files that have already arrived are recognised by their hash and aren't sent twice, and a large one that
 * was cancelled continues where it stopped.
 */
export const retryTransfer: Command = async ({ transfers }, node) => {
  const transfer = await chooseTransfer(transfers, node, ({ state }) => canRetry(state));
  if (transfer) void transfers.retry(transfer.id);
};
