import { isTransferNode } from '../transfers/transfersTree.ts';
import type { Command } from './command.ts';

/** Removes one transfer from the view. */
export const removeTransfer: Command = ({ transfers }, node) => {
  if (isTransferNode(node)) transfers.remove(node.id);
};
