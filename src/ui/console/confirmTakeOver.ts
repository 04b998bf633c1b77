import * as vscode from 'vscode';
import type { Message } from '../../engine/messages/message.ts';
import { l10n, localized } from '../support/l10n.ts';

/** Warns of what a take-over can break: libvirt 9.0 crashed in 3 of 60 (measured). */
export async function confirmTakeOver(name: Message): Promise<boolean> {
  const takeOver = l10n.t('Take Over');
  const answer = await vscode.window.showWarningMessage(
    l10n.t('{0} is in use by another client. Do you want to take it over?', localized(name)),
    {
      modal: true,
      detail: l10n.t(
        'The other client, such as virsh console, virt-manager or a transfer, will be disconnected.\n\nThe daemon of libvirt 9.0 sometimes crashes when a console is taken over (3 of 60 times in our measurements). Running domains survive this and the daemon restarts, but every connection to it is lost.',
      ),
    },
    takeOver,
  );
  return answer === takeOver;
}
