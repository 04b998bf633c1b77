import * as vscode from 'vscode';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import { type Target, targetName } from '../../engine/guest/target.ts';
import { message } from '../../engine/messages/message.ts';
import { targetOf } from '../../engine/transfers/domainChoices.ts';
import type { Transfer } from '../../engine/transfers/transfer.ts';
import type { WaitingCopy } from '../install/installParts.ts';
import { settings } from '../settings.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import { isTransferNode } from '../transfers/transfersTree.ts';
import { sourcesText } from '../transfers/transferText.ts';
import { chooseDomain } from './chooseDomain.ts';
import type { Command, CommandParts } from './command.ts';

interface Choice {
  readonly target: Target;
  /** Undefined for a serial port of this computer. */
  readonly place: DomainPlace | undefined;
  readonly copy?: WaitingCopy;
}

/**
 * Offers the ways to install a receiver in the guest. Called on a transfer that failed for want of one, it copies again
 * as soon as a receiver answers.
 */
export const installReceiver: Command = async (parts, node) => {
  const transfer = isTransferNode(node) ? parts.transfers.get(node.id) : undefined;
  const choice = transfer ? await guestOf(parts, transfer) : await chosen(parts, node);
  if (choice) await offerWays(parts, choice);
};

async function chosen({ connections }: CommandParts, node: unknown): Promise<Choice | undefined> {
  const title = l10n.t('Install a Receiver');
  const place = await chooseDomain(connections, node, { title, fitting: ['running', 'paused', 'off'] });
  return place && { target: targetOf(place, settings.linkOf(place.domain.name)), place };
}

async function guestOf(
  { connections, transfers }: CommandParts,
  { id, request }: Transfer,
): Promise<Choice | undefined> {
  const { target } = request;
  const copy = { what: sourcesText(request), resume: () => Promise.allSettled(transfers.retry(id)) };
  if (target.kind === 'port') return { target, place: undefined, copy };
  await connections.openAll();
  const place = connections.find(target);
  if (place) return { target, place, copy };
  const gone = message('domain.none', message('guest.domain', target.name), target.uri);
  tell.warning(localized(gone));
  return undefined;
}

async function offerWays(parts: CommandParts, choice: Choice): Promise<void> {
  // Loaded on demand: it's much code, needed about once per guest.
  const { installFacts, waysToPort, waysToReceiver } = await import('../install/waysToReceiver.ts');
  const { consoles, discs, receivers } = parts;
  const { target, place, copy } = choice;
  const common = { target, receivers, copy, offerWays: () => offerWays(parts, choice) };
  const domainParts = place && { ...common, place, consoles, discs };
  const ways = domainParts
    ? waysToReceiver(domainParts, await installFacts(domainParts))
    : waysToPort(common);
  const title = l10n.t('Install Receiver in "{0}"', harmless(targetName(target)));
  const placeHolder = copy
    ? l10n.t('How do you want to install the receiver? {0} is copied once it answers.', copy.what)
    : l10n.t('How do you want to install the receiver?');
  const way = await vscode.window.showQuickPick(ways, { title, placeHolder });
  await way?.run();
}
