import { l10n } from '../support/l10n.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

/** Stops the guest's processors; everything stays in memory. */
export const suspendDomain: Command = async ({ connections }, node) => {
  const title = l10n.t('Pause a Domain');
  const place = await chooseDomain(connections, node, { title, fitting: ['running'] });
  await place?.connection.use(connection => connection.suspendDomain(place.domain));
};
