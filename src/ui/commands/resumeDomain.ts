import { resume } from '../../engine/connections/resume.ts';
import { l10n } from '../support/l10n.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

export const resumeDomain: Command = async ({ connections }, node) => {
  const title = l10n.t('Resume a Domain');
  const place = await chooseDomain(connections, node, { title, fitting: ['paused'] });
  if (place) await resume(place);
};
