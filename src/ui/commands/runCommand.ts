import * as vscode from 'vscode';
import { loadEngine } from '../../engine/loadEngine.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import { addConnection } from './addConnection.ts';
import { cancelTransfer } from './cancelTransfer.ts';
import { clearTransfers } from './clearTransfers.ts';
import type { CommandName, CommandParts, Commands } from './command.ts';
import { copyFilesHere } from './copyFilesHere.ts';
import { copySelectedToLastGuest } from './copySelectedToLastGuest.ts';
import { copySha256 } from './copySha256.ts';
import { copyToGuest } from './copyToGuest.ts';
import { copyToLastGuest } from './copyToLastGuest.ts';
import { destroyDomain } from './destroyDomain.ts';
import { findDomain } from './findDomain.ts';
import { installReceiver } from './installReceiver.ts';
import { openConsole } from './openConsole.ts';
import { rebootDomain } from './rebootDomain.ts';
import { refresh } from './refresh.ts';
import { removeConnection } from './removeConnection.ts';
import { removeTransfer } from './removeTransfer.ts';
import { resumeDomain } from './resumeDomain.ts';
import { retryTransfer } from './retryTransfer.ts';
import { revealSource } from './revealSource.ts';
import { setGuestTerminalSize } from './setGuestTerminalSize.ts';
import { showLog } from './showLog.ts';
import { showTransferDetails } from './showTransferDetails.ts';
import { showTransfers } from './showTransfers.ts';
import { shutdownDomain } from './shutdownDomain.ts';
import { startDomain } from './startDomain.ts';
import { suspendDomain } from './suspendDomain.ts';

const COMMANDS: Commands = {
  addConnection,
  cancelTransfer,
  clearTransfers,
  copyFilesHere,
  copySelectedToLastGuest,
  copySha256,
  copyToGuest,
  copyToLastGuest,
  destroyDomain,
  findDomain,
  openConsole,
  installReceiver,
  rebootDomain,
  refresh,
  removeConnection,
  removeTransfer,
  resumeDomain,
  retryTransfer,
  revealSource,
  setGuestTerminalSize,
  showLog,
  showTransferDetails,
  showTransfers,
  shutdownDomain,
  startDomain,
  suspendDomain,
};

/** Runs a command and tells the user if it fails. */
export async function runCommand(
  name: CommandName,
  parts: CommandParts,
  args: readonly unknown[],
): Promise<unknown> {
  try {
    return await COMMANDS[name](parts, ...args);
  } catch (error) {
    const { codeOfError, describeError } = await loadEngine();
    const code = codeOfError(error);
    if (code === 'aborted') return undefined;
    parts.log.error(`${name}: ${harmless(String(error))}`);
    void showError(localized(describeError(error)), parts.log);
    return undefined;
  }
}

/** With a button, VS Code shows the whole sentence. */
async function showError(text: string, log: vscode.LogOutputChannel): Promise<void> {
  const showLog = l10n.t('Show Log');
  if ((await vscode.window.showErrorMessage(text, showLog)) === showLog) log.show();
}
