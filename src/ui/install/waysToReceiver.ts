import * as vscode from 'vscode';
import { activityOf } from '../../engine/connections/activity.ts';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import { pasteCommand } from '../../install/console/pasteCommand.ts';
import { l10n } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import { askChannel } from './askChannel.ts';
import { askDisc } from './askDisc.ts';
import { checkReceiver } from './checkReceiver.ts';
import { type InstallParts, readReceiver, receiverUri } from './installParts.ts';
import { sendByConsole } from './sendByConsole.ts';

const WALKTHROUGH = 'guestwire.guestwire#getStarted';

interface WayItem extends vscode.QuickPickItem {
  readonly run: (parts: InstallParts) => Promise<unknown>;
}

/** Each asks before it changes anything. @param hasDisc - the installer CD is in the domain's drive */
export function waysToReceiver({ domain }: DomainPlace, hasDisc: boolean): WayItem[] {
  const withRunning = activityOf(domain.state) === 'running' ? runningWays() : [];
  return [
    ...withRunning,
    hasDisc ? insertedWay() : insertWay(),
    {
      label: l10n.t('$(clippy) Copy an Install Command to Paste in the Guest'),
      detail: l10n.t('Many lines to paste into a shell in the guest, which write receiver.py and verify it'),
      run: copyPasteCommand,
    },
    {
      label: l10n.t('$(file) Show receiver.py'),
      detail: l10n.t(
        'A single file to bring into the guest in any way you like: scp, a shared folder, an ISO image',
      ),
      run: () => showReceiver(),
    },
    {
      label: l10n.t('$(add) Add the Channel org.guestwire.0…'),
      detail: l10n.t('The fastest link. Shows the changes to the domain before making them'),
      run: askChannel,
    },
    {
      label: l10n.t('$(book) Show the Steps'),
      detail: l10n.t('For Linux with Python, and what to do on other systems'),
      run: () => showSteps(),
    },
  ];
}

function insertWay(): WayItem {
  return {
    label: l10n.t('$(package) Insert an Installer CD…'),
    detail: l10n.t(
      'Windows and Linux: inserts it into the CD drive, shows the steps, and restores the previous medium afterwards',
    ),
    run: askDisc,
  };
}

function insertedWay(): WayItem {
  return {
    label: l10n.t('$(package) Continue with the Inserted CD…'),
    detail: l10n.t('Shows the steps again, checks for a receiver, and removes the CD'),
    run: askDisc,
  };
}

function runningWays(): WayItem[] {
  return [
    {
      label: l10n.t('$(search) Check Whether a Receiver Answers'),
      detail: l10n.t('Checks only links that no login can be using'),
      run: checkReceiver,
    },
    {
      label: l10n.t('$(terminal) Send the Receiver Through the Console…'),
      detail: l10n.t(
        "Linux with Python 3.6 or later: types it into the shell you're logged in to, and verifies it",
      ),
      run: sendByConsole,
    },
  ];
}

async function copyPasteCommand(): Promise<void> {
  await vscode.env.clipboard.writeText(pasteCommand(await readReceiver()));
  tell.info(
    l10n.t(
      'Copied. Paste the command into a shell in the guest. When it says "receiver.py: OK", start the receiver with "python3 receiver.py".',
    ),
  );
}

async function showReceiver(): Promise<void> {
  const start = 'python3 receiver.py';
  const copy = l10n.t('Copy Start Command');
  const reveal = l10n.t('Reveal File');
  const path = receiverUri().fsPath;
  const message = l10n.t('Copy {0} to the guest, then run "{1}" there.', path, start);
  const answer = await vscode.window.showInformationMessage(message, copy, reveal);
  if (answer === copy) await vscode.env.clipboard.writeText(start);
  if (answer === reveal) await vscode.commands.executeCommand('revealFileInOS', receiverUri());
}

/** Not every version of VS Code honours the step passed to `openWalkthrough`, so it's selected again. */
async function showSteps(): Promise<void> {
  const step = `${WALKTHROUGH}#receiver`;
  await vscode.commands.executeCommand('workbench.action.openWalkthrough', { category: WALKTHROUGH, step });
  await vscode.commands.executeCommand('walkthroughs.selectStep', step);
}
