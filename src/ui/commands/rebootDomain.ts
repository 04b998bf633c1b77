import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

/** Asks the guest to reboot. libvirt can't tell whether it does. */
export const rebootDomain: Command = async ({ connections }, node) => {
  const title = l10n.t('Reboot a Domain');
  const place = await chooseDomain(connections, node, { title, fitting: ['running'] });
  if (!place) return;
  await place.connection.use(connection => connection.rebootDomain(place.domain));
  tell.info(l10n.t('"{0}" was asked to reboot.', harmless(place.domain.name)));
};
