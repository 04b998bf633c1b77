import { l10n } from '../support/l10n.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

export const startDomain: Command = async ({ connections }, node) => {
  const title = l10n.t('Start a Domain');
  const place = await chooseDomain(connections, node, { title, fitting: ['off'] });
  await place?.connection.use(connection => connection.startDomain(place.domain));
};
