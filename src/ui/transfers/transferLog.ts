import { inspect } from 'node:util';
import type * as vscode from 'vscode';
import { targetName } from '../../engine/guest/target.ts';
import { linkLabel } from '../../engine/messages/linkMessages.ts';
import type { Log } from '../../engine/support/log.ts';
import type { Transfer } from '../../engine/transfers/transfer.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { harmless } from '../support/harmless.ts';
import { localized } from '../support/l10n.ts';
import { outcomeText, sourcesText } from './transferText.ts';

/** Logs one line for each state change of a transfer. */
export function logTransfers(transfers: TransferList, log: Log): vscode.Disposable {
  const stop = transfers.changes.on(({ id, kind }) => {
    const transfer = id !== undefined && kind === 'state' ? transfers.get(id) : undefined;
    if (transfer) logTransfer(transfer, log);
  });
  return { dispose: stop };
}

function logTransfer({ request, state, outcome, error, cause }: Transfer, log: Log): void {
  const what = `${sourcesText(request)} → ${harmless(targetName(request.target))}:${harmless(request.destination)}`;
  const link = outcome ? `, ${localized(linkLabel(outcome.link))}` : '';
  if (state === 'failed') {
    log.error(`${what}: ${error ? `${localized(error.message)} (${error.code})` : ''}${link}`);
    if (cause !== undefined) log.error(`  ${harmless(inspect(cause))}`);
    for (const failure of outcome?.failures ?? []) log.error(`  ${localized(failure)}`);
  } else log.info(`${what}: ${outcome ? outcomeText(request, outcome) : state}${link}`);
  for (const note of outcome?.notes ?? []) log.info(`  ${localized(note)}`);
}
