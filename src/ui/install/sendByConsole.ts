import * as vscode from 'vscode';
import { isLoginPrompt } from '../../install/console/answers.ts';
import { RECEIVER_PATH } from '../../install/console/bootstrapLine.ts';
import type { Conversation } from '../../install/console/conversation.ts';
import { SendError, type SentReceiver, sendReceiver, textOf } from '../../install/console/sendReceiver.ts';
import { formatBytes } from '../../text/units.ts';
import { consoleOf } from '../console/consoleOf.ts';
import type { OpenConsole } from '../console/consoles.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import { checkReceiver } from './checkReceiver.ts';
import { type InstallParts, readReceiver } from './installParts.ts';
import { openUpToPrompt } from './openUpToPrompt.ts';

/** Asks, then sends receiver.py through the shell that the user has open in the domain's console. */
export async function sendByConsole(parts: InstallParts): Promise<void> {
  const candidate = await consoleOf(parts.place);
  if (!candidate) return;
  const known = parts.consoles.get(parts.place, candidate);
  const open = known?.session.state === 'open' ? known : await openUpToPrompt(parts, candidate);
  if (!open) return;
  open.terminal.show(true);
  const receiver = await readReceiver();
  const start = await askToSend(parts.place.domain.name, formatBytes((await textOf(receiver)).length));
  if (start === undefined) return;
  if (isLoginPrompt(open.session.lastLine)) {
    tell.info(l10n.t('The console is asking for a login, so nothing was typed. Log in there first.'));
    return;
  }
  const sent = await send(open, receiver, start);
  if (!sent) return;
  if (sent.started?.running || (await offersCheck(sent))) await checkReceiver(parts);
}

/** @returns whether to start it as well; undefined if the user cancelled. */
async function askToSend(domainName: string, size: string): Promise<boolean | undefined> {
  const both = l10n.t('Send and Start');
  const only = l10n.t('Send Only');
  const answer = await vscode.window.showInformationMessage(
    l10n.t('Send the receiver through the console of "{0}"?', harmless(domainName)),
    {
      modal: true,
      detail: l10n.t(
        'You must be logged in on the console, at a shell prompt.\n\nGuestwire will type a python3 command, send receiver.py to it ({1}), and compare the SHA-256. The file will be written to {0}, replacing any file that is already there. "Send and Start" will also run it in the background until the guest shuts down. To stop sending, press Ctrl+C in the terminal.',
        RECEIVER_PATH,
        size,
      ),
    },
    both,
    only,
  );
  return answer === undefined ? undefined : answer === both;
}

async function send(
  { session }: OpenConsole,
  receiver: Buffer,
  start: boolean,
): Promise<SentReceiver | undefined> {
  const conversation = session.converse();
  if (!conversation) {
    tell.info(l10n.t("The console isn't open, or another receiver installation is using it."));
    return undefined;
  }
  try {
    return await sendWithProgress(conversation, receiver, start);
  } catch (error) {
    if (!(error instanceof SendError)) throw error;
    if (error.code !== 'cancelled') tell.error(describeSendError(error));
    return undefined;
  } finally {
    conversation.release();
  }
}

function sendWithProgress(
  conversation: Conversation,
  receiver: Buffer,
  start: boolean,
): Thenable<SentReceiver> {
  const title = l10n.t('Sending the receiver');
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ location, title, cancellable: true }, (progress, token) => {
    const aborter = new AbortController();
    token.onCancellationRequested(() => aborter.abort());
    let shown = 0;
    const onProgress = (share: number) => {
      progress.report({ increment: (share - shown) * 100, message: `${Math.floor(share * 100)} %` });
      shown = share;
    };
    return sendReceiver({ conversation, receiver, start, onProgress, signal: aborter.signal });
  });
}

function describeSendError({ code, message }: SendError): string {
  switch (code) {
    case 'no-shell':
      return l10n.t(
        'Python didn\'t respond. Make sure the console shows a shell prompt and "python3 --version" reports 3.6 or later.',
      );
    case 'refused':
      return l10n.t("The guest couldn't write the receiver: {0}.", harmless(message));
    case 'wrong-hash':
      return l10n.t("The receiver arrived damaged and wasn't installed. Try again.");
    default:
      return l10n.t('The guest stopped responding while the receiver was being sent. Try again.');
  }
}

/** Tells why it doesn't run yet. @returns whether the user wants to look for it, having started it */
async function offersCheck({ started }: SentReceiver): Promise<boolean> {
  const check = l10n.t('Check Receiver');
  if (!started) {
    const text = l10n.t(
      'The receiver was sent and verified. Start it in the guest with: python3 {0}',
      RECEIVER_PATH,
    );
    return (await vscode.window.showInformationMessage(text, check)) === check;
  }
  const said = harmless(started.said);
  const text = l10n.t('The receiver was sent and verified, but it exited immediately: {0}', said);
  return (await vscode.window.showWarningMessage(text, check)) === check;
}
