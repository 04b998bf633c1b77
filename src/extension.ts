/** The extension's composition root: builds the parts and connects them, nothing else. */
import * as vscode from 'vscode';
import { Connections } from './engine/connections/connections.ts';
import { DomainWatch } from './engine/connections/domainWatch.ts';
import { Receivers } from './engine/connections/receivers.ts';
import { domainKey } from './engine/guest/target.ts';
import { loadEngine } from './engine/loadEngine.ts';
import { TransferList } from './engine/transfers/transferList.ts';
import { transferRunner } from './engine/transfers/transferRunner.ts';
import { InsertedDiscs } from './install/disc/insertedDiscs.ts';
import { TransferQueue } from './transfer/queue.ts';
import { createApi, type GuestwireApi } from './ui/api.ts';
import { registerCommands } from './ui/commands/registerCommands.ts';
import { Consoles } from './ui/console/consoles.ts';
import { CopyFlow } from './ui/copy/copyFlow.ts';
import { CopyMemory } from './ui/copy/memory.ts';
import { DomainsTree } from './ui/domains/domainsTree.ts';
import { showDomains } from './ui/domains/domainsView.ts';
import { onSettingChange, settings } from './ui/settings.ts';
import { workspaceFiles } from './ui/sources/workspaceFiles.ts';
import { Throughput } from './ui/statusBar/throughput.ts';
import { setTranslation } from './ui/support/l10n.ts';
import { askConflict } from './ui/transfers/askConflict.ts';
import { showProgress } from './ui/transfers/transferBars.ts';
import { provideDetails } from './ui/transfers/transferDetails.ts';
import { logTransfers } from './ui/transfers/transferLog.ts';
import { announceResults, offerInterrupted } from './ui/transfers/transferNotifications.ts';
import { TransfersTree } from './ui/transfers/transfersTree.ts';
import { workspaceStore } from './ui/transfers/workspaceStore.ts';

let running: TransferList | undefined;

export function activate(context: vscode.ExtensionContext): GuestwireApi {
  setTranslation(vscode.l10n.t);
  const log = vscode.window.createOutputChannel('Guestwire', { log: true });
  const connections = createConnections(log);
  const receivers = followLifecycles(connections, new Receivers());
  const queue = new TransferQueue({ maxParallel: () => settings.maxParallelTransfers });
  const transfers = createTransfers(context, queue, receivers);
  running = transfers;
  const memory = new CopyMemory(context.globalState);
  const copyFlow = new CopyFlow({ connections, receivers, transfers, memory });
  const consoles = new Consoles();
  const discs = new InsertedDiscs(context.globalState);
  const domainsTree = new DomainsTree(connections, receivers);
  const watch = new DomainWatch({ connections, receivers });
  const transfersTree = new TransfersTree(transfers);
  context.subscriptions.push(
    log,
    connections,
    consoles,
    watch,
    domainsTree,
    transfersTree,
    showDomains({ tree: domainsTree, connections, watch, copyFlow }),
    vscode.window.createTreeView('guestwire.transfers', { treeDataProvider: transfersTree }),
    new Throughput(transfers),
    provideDetails(transfers),
    showProgress(transfers),
    announceResults(transfers),
    logTransfers(transfers, log),
    onSettingChange('connections', () => connections.reload()),
    onSettingChange('maxParallelTransfers', () => queue.startNext()),
    ...registerCommands({ connections, consoles, copyFlow, discs, domainsTree, receivers, transfers, log }),
  );
  void offerInterrupted(transfers);
  return createApi(connections, transfers);
}

/** Copies end in good order, so that no guest keeps an unfinished file; the next window offers them again. */
export async function deactivate(): Promise<void> {
  await running?.stop();
}

function createConnections(log: vscode.LogOutputChannel): Connections {
  return new Connections({
    loadEngine,
    log,
    configured: () => settings.connections,
    resolveDefault: async () => (await loadEngine()).defaultUri(),
  });
}

function createTransfers(
  { workspaceState }: vscode.ExtensionContext,
  queue: TransferQueue,
  receivers: Receivers,
): TransferList {
  const cancel = (id: string) => transfers.cancel(id);
  const sourcesFrom = workspaceFiles;
  const run = transferRunner({ receivers, settings, loadEngine, sourcesFrom, askConflict, cancel });
  const transfers = new TransferList({ queue, run, store: workspaceStore(workspaceState) });
  return transfers;
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
