import type { Command } from './command.ts';

/** Takes all that are finished out of the view. */
export const clearTransfers: Command = ({ transfers }) => transfers.clearFinished();
