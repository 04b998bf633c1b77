import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

/** Asks the guest to shut down, as its power button would. */
export const shutdownDomain: Command = async ({ connections }, node) => {
  const place = await chooseDomain(connections, node, ['running']);
  await place?.connection.use(connection => connection.shutdownDomain(place.domain));
};
