import type { Command } from './command.ts';

/** Removes all finished transfers from the view. */
export const clearTransfers: Command = ({ transfers }) => transfers.clearFinished();
