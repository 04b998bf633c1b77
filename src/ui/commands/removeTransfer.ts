import { isTransferNode } from '../transfers/transfersTree.ts';
import type { Command } from './command.ts';

/** Takes one line out of the view. */
export const removeTransfer: Command = ({ transfers }, node) => {
  if (isTransferNode(node)) transfers.remove(node.id);
};
