import * as vscode from 'vscode';
import { domainKey } from '../../engine/guest/target.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command } from './command.ts';

/** Offers the ways to install a receiver in the guest. */
export const installReceiver: Command = async ({ connections, consoles, discs, receivers }, node) => {
  const place = await chooseDomain(connections, node, ['running', 'paused', 'off']);
  if (!place) return;
  // Loaded on demand: it's much code, needed about once per guest.
  const { waysToReceiver } = await import('../install/waysToReceiver.ts');
  const title = l10n.t('Install Receiver in "{0}"', harmless(place.domain.name));
  const placeHolder = l10n.t('How do you want to install the receiver?');
  const hasDisc = discs.get(domainKey(place.connection.uri, place.domain.uuid)) !== undefined;
  const way = await vscode.window.showQuickPick(waysToReceiver(place, hasDisc), { title, placeHolder });
  await way?.run({ place, consoles, discs, receivers });
};
