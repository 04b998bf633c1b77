import * as vscode from 'vscode';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { percentOf, progressText } from './progressText.ts';
import type { Transfer } from './transfer.ts';
import { showDetails } from './transferDetails.ts';
import type { RunTransfer, TransferList } from './transferList.ts';
import { outcomeText, sourcesText } from './transferText.ts';

/** The same run, with a notification that shows how far it is and can cancel it. It goes when the run ends. */
export function withNotification(run: RunTransfer): RunTransfer {
  return (transfer, signal, onProgress) => {
    const { request } = transfer;
    const title = l10n.t('Copying {0} to {1}', sourcesText(request), harmless(request.domain));
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    return new Promise((resolve, reject) => {
      void vscode.window.withProgress(options, async (bar, token) => {
        const controller = new AbortController();
        const cancel = () => controller.abort();
        token.onCancellationRequested(cancel);
        signal.addEventListener('abort', cancel, { once: true });
        bar.report({ message: l10n.t('looking for the receiver…') });
        let shown = 0;
        try {
          const completion = run(transfer, controller.signal, progress => {
            onProgress(progress);
            const percent = percentOf([progress]);
            bar.report({ message: progressText(progress), increment: Math.max(0, percent - shown) });
            shown = Math.max(shown, percent);
          });
          resolve(await completion);
        } catch (error) {
          reject(error);
        } finally {
          signal.removeEventListener('abort', cancel);
        }
      });
    });
  };
}

/** Tells how each copy ended, and offers what can be done about it. A cancelled one needs no comment. */
export function announceResults(transfers: TransferList): vscode.Disposable {
  const stop = transfers.changes.on(({ id, kind }) => {
    const transfer = id !== undefined && kind === 'state' ? transfers.get(id) : undefined;
    if (transfer?.state === 'done') void announceDone(transfers, transfer);
    if (transfer?.state === 'failed') void announceFailure(transfers, transfer);
  });
  return { dispose: stop };
}

async function announceDone(transfers: TransferList, { id, request, outcome }: Transfer): Promise<void> {
  if (!outcome) return;
  const details = l10n.t('Show Details');
  const hasMore = outcome.files > 1;
  const message = outcomeText(request, outcome);
  const answer = await vscode.window.showInformationMessage(message, ...(hasMore ? [details] : []));
  if (answer === details) await showDetails(id, transfers);
}

async function announceFailure(transfers: TransferList, transfer: Transfer): Promise<void> {
  const { id, request, outcome, error } = transfer;
  const details = l10n.t('Show Details');
  const retry = l10n.t('Retry');
  const message = error?.message ?? (outcome ? outcomeText(request, outcome) : '');
  const answer = error
    ? await vscode.window.showErrorMessage(message, retry, details)
    : await vscode.window.showWarningMessage(message, details, retry);
  if (answer === retry) transfers.retry(id);
  if (answer === details) await showDetails(id, transfers);
}

/** What the window's end broke off is offered again, once. */
export async function offerInterrupted(transfers: TransferList): Promise<void> {
  const ids = transfers.interrupted;
  const first = transfers.get(ids[0] ?? '');
  if (!first) return;
  const again = l10n.t('Copy Again');
  const show = l10n.t('Show Transfers');
  const text =
    ids.length === 1
      ? l10n.t(
          'Copying {0} to {1} was interrupted.',
          sourcesText(first.request),
          harmless(first.request.domain),
        )
      : l10n.t('{0} copies were interrupted.', ids.length);
  const answer = await vscode.window.showWarningMessage(text, again, show);
  if (answer === again) for (const id of ids) transfers.retry(id);
  if (answer === show) await vscode.commands.executeCommand('guestwire.showTransfers');
}
