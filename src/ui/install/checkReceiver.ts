import * as vscode from 'vscode';
import { type Target, targetKey, targetName } from '../../engine/guest/target.ts';
import { loadEngine } from '../../engine/loadEngine.ts';
import { linkLabel } from '../../engine/messages/linkMessages.ts';
import type { DomainNode } from '../domains/domainsTree.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import type { ReceiverParts } from './installParts.ts';

/** A button to offer once a receiver was found. */
interface NextStep {
  readonly label: string;
  run(): Promise<void>;
}

/** Opens a session with a receiver in the guest and tells the user whether one answered. A waiting copy then goes on. */
export async function checkReceiver(parts: ReceiverParts, next?: NextStep): Promise<void> {
  const name = harmless(targetName(parts.target));
  const title = l10n.t('Looking for a receiver in "{0}"', name);
  const location = vscode.ProgressLocation.Notification;
  const found = await vscode.window.withProgress({ location, title, cancellable: true }, (_, token) => {
    const aborter = new AbortController();
    token.onCancellationRequested(() => aborter.abort());
    return findReceiver(parts, aborter.signal);
  });
  if (found === undefined) return;
  if ('missing' in found) await offerAgain(parts, found.missing, next);
  else {
    // A copy tells of itself, and VS Code drops what comes as the fourth message within a second.
    await parts.copy?.resume();
    if (parts.copy && !next) return;
    await offerNext(parts, l10n.t('A receiver answered in "{0}" over {1}.', name, found.link), next);
  }
}

/** @returns the link's name, or why there is none; undefined if the user cancelled. */
async function findReceiver(
  { target, receivers }: ReceiverParts,
  signal: AbortSignal,
): Promise<{ link: string } | { missing: string } | undefined> {
  const engine = await loadEngine();
  try {
    // Reads the devices again, because a channel may have been added since they were last read.
    const guest = await engine.openGuest(target, { signal });
    if (target.kind === 'domain') receivers.answered(targetKey(target), guest.session.welcome.system);
    await guest.close().catch(() => undefined);
    return { link: localized(linkLabel(guest.link.description)) };
  } catch (error) {
    if (signal.aborted) return undefined;
    const code = engine.codeOfError(error);
    if (code !== 'no-receiver' && code !== 'no-link') throw error;
    if (target.kind === 'domain') receivers.silent(targetKey(target));
    return { missing: localized(engine.describeError(error, contextOf(target))) };
  }
}

function contextOf(target: Target) {
  return target.kind === 'domain' ? { uri: target.uri, domain: target.name } : {};
}

/** A receiver that was only just started may need a moment, so the check can be repeated. */
async function offerAgain(parts: ReceiverParts, why: string, next: NextStep | undefined): Promise<void> {
  const again = l10n.t('Check Again');
  const install = l10n.t('Install Receiver…');
  const answer = await vscode.window.showWarningMessage(why, again, install);
  if (answer === again) await checkReceiver(parts, next);
  if (answer === install) await parts.offerWays();
}

async function offerNext(
  { place, copy }: ReceiverParts,
  found: string,
  next: NextStep | undefined,
): Promise<void> {
  const more = l10n.t('Copy Files…');
  const choices = [...(copy || !place ? [] : [more]), ...(next ? [next.label] : [])];
  const answer = await vscode.window.showInformationMessage(found, ...choices);
  if (answer === next?.label) await next?.run();
  if (answer !== more || !place) return;
  const node: DomainNode = { kind: 'domain', connection: place.connection, uuid: place.domain.uuid };
  await vscode.commands.executeCommand('guestwire.copyFilesHere', node);
}
