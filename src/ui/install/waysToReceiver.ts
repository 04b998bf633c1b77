import * as vscode from 'vscode';
import { activityOf } from '../../engine/connections/activity.ts';
import type { ReceiverState } from '../../engine/connections/receivers.ts';
import { domainKey } from '../../engine/guest/target.ts';
import { pasteCommand } from '../../install/console/pasteCommand.ts';
import { CHANNEL_NAME } from '../../link/link.ts';
import { receiverText } from '../domains/domainPresentation.ts';
import { l10n } from '../support/l10n.ts';
import { askChannel } from './askChannel.ts';
import { askDisc } from './askDisc.ts';
import { checkReceiver } from './checkReceiver.ts';
import { type InstallParts, type ReceiverParts, readReceiver, receiverUri } from './installParts.ts';
import { sendByConsole } from './sendByConsole.ts';
import { insertedDisc } from './takeOutDisc.ts';

const WALKTHROUGH = 'guestwire.guestwire#getStarted';

interface WayItem extends vscode.QuickPickItem {
  readonly run: () => Promise<unknown>;
}

/** What there is already, which decides what is worth offering first. */
export interface InstallFacts {
  readonly receiver: ReceiverState;
  /** The installer CD is in the domain's drive. */
  readonly hasDisc: boolean;
  readonly hasChannel: boolean;
  /** A receiver could answer on one of the domain's links without being named. */
  readonly hasLink: boolean;
}

/** Each asks before it changes anything. */
export function waysToReceiver(parts: InstallParts, facts: InstallFacts): WayItem[] {
  const isRunning = activityOf(parts.place.domain.state) === 'running';
  const disc = facts.hasDisc ? insertedWay(parts) : insertWay(parts);
  const channel = channelWay(parts, facts.hasChannel);
  const check = isRunning ? [checkWay(parts, facts.receiver)] : [];
  const common = [...(isRunning ? [consoleWay(parts)] : []), disc, ...waysByHand(parts), channel];
  // What has been begun goes on first. A receiver without a link would be of no use.
  const first = facts.hasDisc ? disc : facts.hasLink ? undefined : channel;
  return [...check, ...(first ? [first] : []), ...common.filter(way => way !== first), stepsWay()];
}

/** Into whatever is at the other end of a serial port of this computer. */
export function waysToPort(parts: ReceiverParts): WayItem[] {
  return [checkWay(parts), ...waysByHand(parts), stepsWay()];
}

function checkWay(parts: ReceiverParts, receiver: ReceiverState = 'unknown'): WayItem {
  return {
    label: l10n.t('$(search) Check Whether a Receiver Answers'),
    description: receiverText(receiver),
    detail: l10n.t('Checks only links that no login can be using'),
    run: () => checkReceiver(parts),
  };
}

function consoleWay(parts: InstallParts): WayItem {
  return {
    label: l10n.t('$(terminal) Send the Receiver Through the Console…'),
    detail: l10n.t(
      "Until the guest shuts down. Linux with Python 3.6 or later: types it into the shell you're logged in to, and verifies it",
    ),
    run: () => sendByConsole(parts),
  };
}

function insertWay(parts: InstallParts): WayItem {
  return {
    label: l10n.t('$(package) Insert an Installer CD…'),
    detail: l10n.t(
      'For good: the receiver starts with the guest. Windows and Linux: inserts the CD, shows the steps, and restores the previous medium afterwards',
    ),
    run: () => askDisc(parts),
  };
}

function insertedWay(parts: InstallParts): WayItem {
  return {
    label: l10n.t('$(package) Continue with the Inserted CD…'),
    detail: l10n.t('Shows the steps again, checks for a receiver, and removes the CD'),
    run: () => askDisc(parts),
  };
}

function channelWay(parts: InstallParts, isThere: boolean): WayItem {
  return {
    label: l10n.t('$(add) Add the Channel org.guestwire.0…'),
    ...(isThere ? { description: l10n.t('already there') } : {}),
    detail: l10n.t('The fastest link. Shows the changes to the domain before making them'),
    run: () => askChannel(parts),
  };
}

/** Somebody else brings it in, and comes back when it runs. */
function waysByHand(parts: ReceiverParts): WayItem[] {
  return [
    {
      label: l10n.t('$(clippy) Copy an Install Command to Paste in the Guest'),
      detail: l10n.t('Many lines to paste into a shell in the guest, which write receiver.py and verify it'),
      run: () => copyPasteCommand(parts),
    },
    {
      label: l10n.t('$(file) Show receiver.py'),
      detail: l10n.t(
        'A single file to bring into the guest in any way you like: scp, a shared folder, an ISO image',
      ),
      run: () => showReceiver(parts),
    },
  ];
}

function stepsWay(): WayItem {
  return {
    label: l10n.t('$(book) Show the Steps'),
    detail: l10n.t('For Linux with Python, and what to do on other systems'),
    run: () => showSteps(),
  };
}

async function copyPasteCommand(parts: ReceiverParts): Promise<void> {
  await vscode.env.clipboard.writeText(pasteCommand(await readReceiver()));
  const check = l10n.t('Check Receiver');
  const message = l10n.t(
    'Copied. Paste the command into a shell in the guest. When it says "receiver.py: OK", start the receiver with "python3 receiver.py".',
  );
  const answer = await vscode.window.showInformationMessage(message, check);
  if (answer === check) await checkReceiver(parts);
}

/** Stays until the user closes it, because the next step is in the guest. */
async function showReceiver(parts: ReceiverParts): Promise<void> {
  const start = 'python3 receiver.py';
  const copy = l10n.t('Copy Start Command');
  const reveal = l10n.t('Reveal File');
  const check = l10n.t('Check Receiver');
  const path = receiverUri().fsPath;
  const message = l10n.t('Copy {0} to the guest, then run "{1}" there.', path, start);
  for (;;) {
    const answer = await vscode.window.showInformationMessage(message, reveal, copy, check);
    if (answer === copy) await vscode.env.clipboard.writeText(start);
    else if (answer === reveal) await vscode.commands.executeCommand('revealFileInOS', receiverUri());
    else return answer === check ? checkReceiver(parts) : undefined;
  }
}

/** Not every version of VS Code honours the step passed to `openWalkthrough`, so it's selected again. */
async function showSteps(): Promise<void> {
  const step = `${WALKTHROUGH}#receiver`;
  await vscode.commands.executeCommand('workbench.action.openWalkthrough', { category: WALKTHROUGH, step });
  await vscode.commands.executeCommand('walkthroughs.selectStep', step);
}

/** Looks now: other windows and programs change domains too. What can't be read is taken as not there. */
export async function installFacts(parts: InstallParts): Promise<InstallFacts> {
  const { place, receivers } = parts;
  const { connection, domain } = place;
  const [details, disc] = await Promise.all([
    connection.renewDetails(domain).catch(() => undefined),
    insertedDisc(parts).catch(() => undefined),
  ]);
  return {
    receiver: receivers.state(domainKey(connection.uri, domain.uuid), details),
    hasDisc: disc !== undefined,
    hasChannel: details?.devices.channels.some(({ name }) => name === CHANNEL_NAME) ?? false,
    hasLink: details?.candidates.some(({ use }) => use !== 'named-only' && use !== 'unusable') ?? true,
  };
}
