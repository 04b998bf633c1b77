import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

export const startDomain: Command = async ({ connections }, node) => {
  const place = await chooseDomain(connections, node, ['off']);
  await place?.connection.use(connection => connection.startDomain(place.domain));
};
