import * as vscode from 'vscode';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

/** Asks, then cuts the power. */
export const destroyDomain: Command = async ({ connections }, node) => {
  const title = l10n.t('Force Off a Domain');
  const place = await chooseDomain(connections, node, { title, fitting: ['running', 'paused', 'stopping'] });
  if (!place) return;
  const forceOff = l10n.t('Force Off');
  const answer = await vscode.window.showWarningMessage(
    l10n.t('Force off "{0}"?', harmless(place.domain.name)),
    {
      modal: true,
      detail: l10n.t("The guest will lose everything it hasn't written to disk, as in a power failure."),
    },
    forceOff,
  );
  if (answer === forceOff) await place.connection.use(connection => connection.destroyDomain(place.domain));
};
