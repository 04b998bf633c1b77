import type { Command } from './command.ts';

export const refresh: Command = async ({ connections, domainsTree, receivers }) => {
  receivers.forgetSilent();
  await connections.refresh();
  domainsTree.refreshAll();
};
