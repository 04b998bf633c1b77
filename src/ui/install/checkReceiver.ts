import * as vscode from 'vscode';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import { domainKey } from '../../engine/guest/target.ts';
import { loadEngine } from '../../engine/loadEngine.ts';
import { linkLabel } from '../../engine/messages/linkMessages.ts';
import { targetOf } from '../../engine/transfers/domainChoices.ts';
import type { DomainNode } from '../domains/domainsTree.ts';
import { settings } from '../settings.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import type { InstallParts } from './installParts.ts';

/** A button to offer once a receiver was found. */
interface NextStep {
  readonly label: string;
  run(): Promise<void>;
}

/** Opens a session with a receiver in the guest and tells the user whether one answered. */
export async function checkReceiver(parts: InstallParts, next?: NextStep): Promise<void> {
  const { place, receivers } = parts;
  const { connection, domain } = place;
  const title = l10n.t('Looking for a receiver in "{0}"', harmless(domain.name));
  const location = vscode.ProgressLocation.Notification;
  const found = await vscode.window.withProgress({ location, title, cancellable: true }, async (_, token) => {
    const aborter = new AbortController();
    token.onCancellationRequested(() => aborter.abort());
    const engine = await loadEngine();
    const key = domainKey(connection.uri, domain.uuid);
    // Reads the devices again, because a channel may have been added since they were last read.
    const target = targetOf(place, settings.linkOf(domain.name));
    try {
      const guest = await engine.openGuest(target, aborter);
      receivers.answered(key, guest.session.welcome.system);
      await guest.close().catch(() => undefined);
      return l10n.t(
        'A receiver answered in "{0}" over {1}.',
        harmless(domain.name),
        localized(linkLabel(guest.link.description)),
      );
    } catch (error) {
      if (aborter.signal.aborted) return undefined;
      if (engine.codeOfError(error) !== 'no-receiver') throw error;
      receivers.silent(key);
      return new Error(localized(engine.describeError(error, { uri: connection.uri, domain: domain.name })));
    }
  });
  if (found instanceof Error) {
    const again = l10n.t('Check Again');
    // A receiver that was only just started may need a moment, so the check can be repeated.
    const answer = await vscode.window.showWarningMessage(found.message, again);
    if (answer === again) await checkReceiver(parts, next);
  } else if (found !== undefined) await offerNext(place, found, next);
}

async function offerNext(
  { connection, domain }: DomainPlace,
  found: string,
  next: NextStep | undefined,
): Promise<void> {
  const copy = l10n.t('Copy Files…');
  const answer = await vscode.window.showInformationMessage(found, copy, ...(next ? [next.label] : []));
  if (answer === next?.label) await next?.run();
  if (answer !== copy) return;
  const node: DomainNode = { kind: 'domain', connection, uuid: domain.uuid };
  await vscode.commands.executeCommand('guestwire.copyFilesHere', node);
}
