/** The transfers of this window, and wherever VS Code shows them, except in their view. */
import * as vscode from 'vscode';
import type { Receivers } from '../engine/connections/receivers.ts';
import { TransferList, type TransferStore } from '../engine/transfers/transferList.ts';
import { transferRunner } from '../engine/transfers/transferRunner.ts';
import { TransferQueue } from '../transfer/queue.ts';
import { onSettingChange, settings } from './settings.ts';
import { workspaceFiles } from './sources/workspaceFiles.ts';
import { Throughput } from './statusBar/throughput.ts';
import { askConflict } from './transfers/askConflict.ts';
import { provideDetails } from './transfers/transferDetails.ts';
import { logTransfers } from './transfers/transferLog.ts';
import { notifyOfTransfers } from './transfers/transferNotifications.ts';

export interface WindowTransfers extends vscode.Disposable {
  readonly transfers: TransferList;
}

export function createTransfers(
  receivers: Receivers,
  store: TransferStore,
  log: vscode.LogOutputChannel,
): WindowTransfers {
  const queue = new TransferQueue({ maxParallel: () => settings.maxParallelTransfers });
  const run = transferRunner({
    ...{ receivers, settings },
    sourceSystem: workspaceFiles,
    ask: askConflict,
    cancel: id => transfers.cancel(id),
  });
  const transfers: TransferList = new TransferList({ queue, run, store });
  const all = vscode.Disposable.from(
    new Throughput(transfers),
    provideDetails(transfers),
    notifyOfTransfers(transfers, () => settings.notifications),
    logTransfers(transfers, log),
    onSettingChange('maxParallelTransfers', () => queue.startNext()),
  );
  return { transfers, dispose: () => all.dispose() };
}
