import * as vscode from 'vscode';
import { activityOf } from '../../engine/connections/activity.ts';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import { pasteCommand } from '../../install/console/pasteCommand.ts';
import { l10n } from '../support/l10n.ts';
import { askChannel } from './askChannel.ts';
import { askDisc } from './askDisc.ts';
import { checkReceiver } from './checkReceiver.ts';
import type { InstallParts } from './installParts.ts';
import { readReceiver, receiverUri } from './receiverFile.ts';
import { sendByConsole } from './sendByConsole.ts';

const WALKTHROUGH = 'guestwire.guestwire#getStarted';

interface WayItem extends vscode.QuickPickItem {
  readonly run: (parts: InstallParts) => Promise<unknown>;
}

/** Each asks before it changes anything. @param hasDisc our CD is in its drive */
export function waysToReceiver({ domain }: DomainPlace, hasDisc: boolean): WayItem[] {
  const withRunning = activityOf(domain.state) === 'running' ? runningWays() : [];
  return [
    ...withRunning,
    hasDisc ? insertedWay() : insertWay(),
    {
      label: l10n.t('$(clippy) Copy a command with the receiver in it'),
      detail: l10n.t('Many lines to paste into a shell in the guest: writes receiver.py and checks it'),
      run: copyPasteCommand,
    },
    {
      label: l10n.t('$(file) Show receiver.py'),
      detail: l10n.t(
        'One file, to take into the guest in any way you have: scp, a shared folder, an ISO image',
      ),
      run: () => showReceiver(),
    },
    {
      label: l10n.t('$(add) Add the channel org.guestwire.0…'),
      detail: l10n.t('The fastest link; shows what it changes in the domain before it does'),
      run: askChannel,
    },
    {
      label: l10n.t('$(book) Show the steps'),
      detail: l10n.t('For Linux with Python, and what to do with other systems'),
      run: () => showSteps(),
    },
  ];
}

function insertWay(): WayItem {
  return {
    label: l10n.t('$(package) Insert a CD with the installer…'),
    detail: l10n.t(
      'Windows and Linux: puts it into the CD drive, shows the steps, and puts the former medium back afterwards',
    ),
    run: askDisc,
  };
}

function insertedWay(): WayItem {
  return {
    label: l10n.t('$(package) Go on with the CD that is inserted…'),
    detail: l10n.t('Shows the steps again, checks whether a receiver answers, and removes the CD'),
    run: askDisc,
  };
}

function runningWays(): WayItem[] {
  return [
    {
      label: l10n.t('$(search) Check whether a receiver answers'),
      detail: l10n.t('Asks on the links where nothing but a receiver listens'),
      run: checkReceiver,
    },
    {
      label: l10n.t('$(terminal) Send the receiver through the console…'),
      detail: l10n.t(
        'Linux with Python 3.6 or later: types it into the shell you are logged in to, and verifies it',
      ),
      run: sendByConsole,
    },
  ];
}

async function copyPasteCommand(): Promise<void> {
  await vscode.env.clipboard.writeText(pasteCommand(await readReceiver()));
  void vscode.window.showInformationMessage(
    l10n.t(
      'Copied. Paste it into a shell in the guest; when it says "receiver.py: OK", start it with "python3 receiver.py".',
    ),
  );
}

async function showReceiver(): Promise<void> {
  const start = 'python3 receiver.py';
  const copy = l10n.t('Copy Start Command');
  const reveal = l10n.t('Reveal File');
  const path = receiverUri().fsPath;
  const message = l10n.t('Copy {0} into the guest, and run "{1}" there.', path, start);
  const answer = await vscode.window.showInformationMessage(message, copy, reveal);
  if (answer === copy) await vscode.env.clipboard.writeText(start);
  if (answer === reveal) await vscode.commands.executeCommand('revealFileInOS', receiverUri());
}

/** The step given to `openWalkthrough` is not minded by every version of VS Code. */
async function showSteps(): Promise<void> {
  const step = `${WALKTHROUGH}#receiver`;
  await vscode.commands.executeCommand('workbench.action.openWalkthrough', { category: WALKTHROUGH, step });
  await vscode.commands.executeCommand('walkthroughs.selectStep', step);
}
