import * as vscode from 'vscode';
import { loadEngine } from '../../engine/loadEngine.ts';
import {
  addChannel,
  CHANNEL_XML,
  type ChannelFacts,
  channelChange,
  readChannelFacts,
} from '../../install/addChannel.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import { checkReceiver } from './checkReceiver.ts';
import type { InstallParts } from './installParts.ts';

type When = 'now' | 'next-start';

/** Shows what adding the channel changes, then adds it to the domain. */
export async function askChannel(parts: InstallParts): Promise<void> {
  const { connection, domain } = parts.place;
  const facts = await connection.use(one => readChannelFacts(one, domain));
  const name = harmless(domain.name);
  if (channelChange(facts, 'now') === undefined) {
    tell.info(nothingToAdd(facts, name));
    return;
  }
  const when = await askWhen(facts, name);
  if (when) await add(parts, facts, when);
}

function nothingToAdd(facts: ChannelFacts, name: string): string {
  if (facts.running && !facts.inGuest) {
    return facts.inDefinition
      ? l10n.t(
          'The definition of "{0}" already has the channel. To use it, shut the domain down and start it again.',
          name,
        )
      : l10n.t(
          'A channel can\'t be added to "{0}" because it has no virtio-serial controller and no persistent definition.',
          name,
        );
  }
  return l10n.t('"{0}" already has the channel.', name);
}

async function askWhen(facts: ChannelFacts, name: string): Promise<When | undefined> {
  const now = l10n.t('Add Now');
  const later = l10n.t('Add for the Next Start');
  const title = l10n.t('Add a virtio channel to "{0}"?', name);
  const options = { modal: true, detail: whatChanges(facts) };
  const choices = [channelChange(facts, 'now')?.live && now, channelChange(facts, 'next-start') && later];
  const offered = choices.filter(choice => typeof choice === 'string');
  const answer = await vscode.window.showInformationMessage(title, options, ...offered);
  if (answer === undefined) return undefined;
  return answer === now ? 'now' : 'next-start';
}

/** Exactly what libvirt will be asked to do. */
function whatChanges(facts: ChannelFacts): string {
  const live = channelChange(facts, 'now')?.live;
  const config = channelChange(facts, 'next-start');
  const lines = [
    l10n.t("This element will be added to the domain's devices:"),
    CHANNEL_XML,
    live &&
      l10n.t(
        '"Add Now" hot-plugs the channel into the running guest, which will see a new port immediately.',
      ),
    facts.inGuest &&
      l10n.t(
        'The running guest already has the channel. It will be added to the persistent definition, so that it will still be there after the next start.',
      ),
    live &&
      config &&
      l10n.t(
        'It will also be added to the persistent definition, so that it will still be there after the next start.',
      ),
    live &&
      !facts.persistent &&
      l10n.t('The domain has no persistent definition, so the channel will be lost when it stops.'),
    !live &&
      facts.running &&
      !facts.inGuest &&
      l10n.t(
        "The running guest has no virtio-serial controller, and libvirt can't hot-plug one. Only the persistent definition will be changed. To use the channel, shut the domain down and start it again.",
      ),
    !live &&
      config &&
      !facts.inGuest &&
      !facts.inDefinition &&
      l10n.t('If the definition has no virtio-serial controller, libvirt will add one.'),
    l10n.t('Nothing else will be changed. If this fails, no changes will be kept.'),
  ];
  return lines.filter(Boolean).join('\n\n');
}

async function add(parts: InstallParts, facts: ChannelFacts, when: When): Promise<void> {
  const { connection, domain } = parts.place;
  const change = channelChange(facts, when);
  if (!change) return;
  try {
    await connection.use(one => addChannel(one, domain, change));
  } catch (error) {
    await offerLater(parts, facts, change.live, error);
    return;
  }
  connection.forgetDetails(domain.uuid);
  connection.changes.fire({ kind: 'domain', uuid: domain.uuid });
  const name = harmless(domain.name);
  if (!change.live) {
    const text = l10n.t('The channel org.guestwire.0 will be available the next time "{0}" starts.', name);
    tell.info(text);
    return;
  }
  const install = l10n.t('Install Receiver…');
  const check = l10n.t('Check Receiver');
  const done = l10n.t('"{0}" now has the channel org.guestwire.0. Start the receiver in the guest.', name);
  const answer = await vscode.window.showInformationMessage(done, install, check);
  if (answer === install) await parts.offerWays();
  if (answer === check) await checkReceiver(parts);
}

async function offerLater(
  parts: InstallParts,
  facts: ChannelFacts,
  wasLive: boolean,
  error: unknown,
): Promise<void> {
  if (!wasLive || !channelChange(facts, 'next-start')) throw error;
  const { connection, domain } = parts.place;
  const { describeError } = await loadEngine();
  const reason = localized(describeError(error, { uri: connection.uri, domain: domain.name }));
  const later = l10n.t('Add for the Next Start');
  const message = l10n.t("The channel wasn't added, and nothing was changed. {0}", reason);
  if ((await vscode.window.showErrorMessage(message, later)) === later) await add(parts, facts, 'next-start');
}
