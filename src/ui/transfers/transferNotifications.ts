import * as vscode from 'vscode';
import { targetName } from '../../engine/guest/target.ts';
import { JobNotifications, type NotificationChoice } from '../../engine/transfers/jobNotifications.ts';
import { type Job, jobsOf } from '../../engine/transfers/jobs.ts';
import { lacksReceiver, type Transfer } from '../../engine/transfers/transfer.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { jobResult } from './jobText.ts';
import { JobBar } from './transferBars.ts';
import { showDetails } from './transferDetails.ts';
import type { TransferNode } from './transfersTree.ts';
import { failureText, outcomeText, sourcesText } from './transferText.ts';

/** The notifications of all jobs. */
export function notifyOfTransfers(
  transfers: TransferList,
  choice: () => NotificationChoice,
): vscode.Disposable {
  return new JobNotifications({
    ...{ transfers, choice },
    openBar: (job, cancel) => new JobBar(job, cancel),
    announce: job => void announce(transfers, job),
  });
}

/** Says how a job ended and offers what can be done next. */
async function announce(transfers: TransferList, job: Job): Promise<void> {
  const [first] = job;
  if (job.length > 1) await announceJob(transfers, job);
  else if (first.state === 'done') await announceDone(transfers, first);
  else await announceFailure(transfers, first);
}

async function announceDone(transfers: TransferList, { id, request, outcome }: Transfer): Promise<void> {
  if (!outcome) return;
  const details = l10n.t('Show Details');
  // VS Code cuts a notification without buttons off after one line.
  const answer = await vscode.window.showInformationMessage(outcomeText(request, outcome), details);
  if (answer === details) await showDetails(id, transfers);
}

async function announceFailure(transfers: TransferList, transfer: Transfer): Promise<void> {
  const { id, request, outcome, error } = transfer;
  const details = l10n.t('Show Details');
  const retry = l10n.t('Retry');
  const message = failureText({ request, outcome, error });
  const install = l10n.t('Install Receiver…');
  const first = lacksReceiver(transfer) ? [install] : [];
  const answer = error
    ? await vscode.window.showErrorMessage(message, ...first, retry, details)
    : await vscode.window.showWarningMessage(message, details, retry);
  if (answer === install) await installReceiver(transfer);
  if (answer === retry) transfers.retry(id);
  if (answer === details) await showDetails(id, transfers);
}

/** Once a receiver answers, the copy goes on by itself. */
async function installReceiver({ id }: Transfer): Promise<void> {
  const node: TransferNode = { kind: 'transfer', id };
  await vscode.commands.executeCommand('guestwire.installReceiver', node);
}

/** One message for all guests of the job. Nothing is said of cancelled ones. */
async function announceJob(transfers: TransferList, job: Job): Promise<void> {
  const { text, failed } = jobResult(job);
  const details = l10n.t('Show Details');
  const retry = failed.length > 1 ? l10n.t('Retry in {0} Guests', failed.length) : l10n.t('Retry');
  const install = l10n.t('Install Receiver…');
  const lacking = failed.find(lacksReceiver);
  const answer =
    failed.length > 0
      ? await vscode.window.showWarningMessage(text, ...(lacking ? [install] : []), retry, details)
      : await vscode.window.showInformationMessage(text, details);
  if (answer === install && lacking) {
    await installReceiver(lacking);
    await announceRest(transfers, job, lacking);
  }
  if (answer === details) await showDetails(job[0].id, transfers, { wholeJob: true });
  if (answer === retry) transfers.retry(...failed.map(({ id }) => id));
}

/** Guests without a receiver get one after the other, so the message comes again for those that are left. */
async function announceRest(transfers: TransferList, job: Job, helped: Transfer): Promise<void> {
  const [first, ...others] = job.flatMap(({ id }) => (id === helped.id ? [] : (transfers.get(id) ?? [])));
  if (first && [first, ...others].some(lacksReceiver)) await announceJob(transfers, [first, ...others]);
}

/** Offers once to resume what closing the window interrupted. */
export async function offerInterrupted(transfers: TransferList): Promise<void> {
  const ids = transfers.interrupted;
  const first = transfers.get(ids[0] ?? '');
  if (!first) return;
  const resume = l10n.t('Resume');
  const show = l10n.t('Show Transfers');
  const text =
    ids.length === 1
      ? l10n.t(
          'Copying {0} to "{1}" was interrupted. You can resume it where it stopped.',
          sourcesText(first.request),
          harmless(targetName(first.request.target)),
        )
      : l10n.t('{0} transfers were interrupted. You can resume them where they stopped.', ids.length);
  const answer = await vscode.window.showWarningMessage(text, resume, show);
  if (answer === resume) resumeAll(transfers, ids);
  if (answer === show) await vscode.commands.executeCommand('guestwire.showTransfers');
}

/** Transfers that were one job are resumed as one job. */
function resumeAll(transfers: TransferList, ids: readonly string[]): void {
  const broken = ids.flatMap(id => transfers.get(id) ?? []);
  for (const job of jobsOf(broken)) transfers.retry(...job.map(({ id }) => id));
}
