/** Everything behind the commands and views: builds the parts and connects them, nothing else. */
import * as vscode from 'vscode';
import { Connections } from '../engine/connections/connections.ts';
import { DomainWatch } from '../engine/connections/domainWatch.ts';
import { Receivers } from '../engine/connections/receivers.ts';
import { domainKey } from '../engine/guest/target.ts';
import { loadEngine } from '../engine/loadEngine.ts';
import { TransferList, type TransferStore } from '../engine/transfers/transferList.ts';
import { transferRunner } from '../engine/transfers/transferRunner.ts';
import { InsertedDiscs } from '../install/disc/insertedDiscs.ts';
import { TransferQueue } from '../transfer/queue.ts';
import { createApi, type GuestwireApi } from './api.ts';
import type { CommandName } from './commands/command.ts';
import { runCommand } from './commands/runCommand.ts';
import { Consoles } from './console/consoles.ts';
import { CopyFlow } from './copy/copyFlow.ts';
import { rememberCopies } from './copy/lastCopy.ts';
import { CopyMemory } from './copy/memory.ts';
import { type DomainsNode, DomainsTree } from './domains/domainsTree.ts';
import { followDomainsView } from './domains/domainsView.ts';
import { type DropFiles, dropFiles } from './domains/dropFiles.ts';
import { onSettingChange, settings } from './settings.ts';
import { workspaceFiles } from './sources/workspaceFiles.ts';
import { Throughput } from './statusBar/throughput.ts';
import { setDateLocale } from './support/dates.ts';
import { setTranslation } from './support/l10n.ts';
import { askConflict } from './transfers/askConflict.ts';
import { provideDetails } from './transfers/transferDetails.ts';
import { logTransfers } from './transfers/transferLog.ts';
import { notifyOfTransfers, offerInterrupted } from './transfers/transferNotifications.ts';
import { type TransferNode, TransfersTree } from './transfers/transfersTree.ts';

/** What activation has made, and VS Code gives. */
export interface AppParts {
  readonly globalState: vscode.Memento;
  readonly store: TransferStore;
  readonly domainsView: vscode.TreeView<DomainsNode>;
  readonly transfersView: vscode.TreeView<TransferNode>;
  readonly log: vscode.LogOutputChannel;
}

/** What activation needs of the app. */
export interface App extends vscode.Disposable {
  readonly domainsTree: DomainsTree;
  readonly transfersTree: TransfersTree;
  readonly dropFiles: DropFiles;
  readonly api: GuestwireApi;
  run(command: CommandName, args: readonly unknown[]): Promise<unknown>;
  /** Ends all copies in good order. */
  stop(): Promise<void>;
}

export function createApp({ globalState, store, domainsView, transfersView, log }: AppParts): App {
  setTranslation(vscode.l10n.t);
  setDateLocale(vscode.env.language);
  const connections = createConnections(log);
  const receivers = followLifecycles(connections, new Receivers());
  const { queue, transfers } = createTransfers(receivers, store);
  const memory = new CopyMemory(globalState);
  const copyFlow = new CopyFlow({ connections, receivers, transfers, memory });
  const consoles = new Consoles();
  const discs = new InsertedDiscs(globalState);
  const domainsTree = new DomainsTree(connections, receivers);
  const watch = new DomainWatch({ connections, receivers });
  const transfersTree = new TransfersTree(transfers);
  const parts = {
    connections,
    consoles,
    copyFlow,
    discs,
    domainsTree,
    receivers,
    transfers,
    transfersView,
    log,
  };
  const all = vscode.Disposable.from(
    ...[connections, consoles, watch, domainsTree, transfersTree],
    followDomainsView({ view: domainsView, connections, watch }),
    ...showTransfers(transfers, log),
    new vscode.Disposable(rememberCopies(transfers, memory)),
    onSettingChange('connections', () => connections.reload()),
    onSettingChange('maxParallelTransfers', () => queue.startNext()),
  );
  void offerInterrupted(transfers);
  return {
    ...{ domainsTree, transfersTree },
    dropFiles: dropFiles(copyFlow, () => domainsView.selection),
    api: createApi(connections, transfers),
    run: (command, args) => runCommand(command, parts, args),
    stop: () => transfers.stop(),
    dispose: () => all.dispose(),
  };
}

function createConnections(log: vscode.LogOutputChannel): Connections {
  return new Connections({
    loadEngine,
    log,
    configured: () => settings.connections,
    resolveDefault: async () => (await loadEngine()).defaultUri(),
  });
}

/** What was known of a receiver ends with the guest's run. */
function followLifecycles(connections: Connections, receivers: Receivers): Receivers {
  connections.lifecycle.on(({ connection, event }) => {
    if (event.event === 'started' || event.event === 'stopped') {
      receivers.forget(domainKey(connection.uri, event.domain.uuid));
    }
  });
  return receivers;
}

function createTransfers(receivers: Receivers, store: TransferStore) {
  const queue = new TransferQueue({ maxParallel: () => settings.maxParallelTransfers });
  const run = transferRunner({
    ...{ receivers, settings },
    sourceSystem: workspaceFiles,
    ask: askConflict,
    cancel: id => transfers.cancel(id),
  });
  const transfers: TransferList = new TransferList({ queue, run, store });
  return { queue, transfers };
}

/** Wherever VS Code shows transfers, except in their view. */
function showTransfers(transfers: TransferList, log: vscode.LogOutputChannel): vscode.Disposable[] {
  return [
    new Throughput(transfers),
    provideDetails(transfers),
    notifyOfTransfers(transfers, () => settings.notifications),
    logTransfers(transfers, log),
  ];
}
