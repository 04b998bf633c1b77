/** Everything behind the commands and views: builds the parts and connects them, nothing else. */
import * as vscode from 'vscode';
import { Connections } from '../engine/connections/connections.ts';
import { DomainWatch } from '../engine/connections/domainWatch.ts';
import { Receivers } from '../engine/connections/receivers.ts';
import { domainKey } from '../engine/guest/target.ts';
import { loadEngine } from '../engine/loadEngine.ts';
import { CopyMemory } from '../engine/transfers/copyMemory.ts';
import { rememberCopies } from '../engine/transfers/lastCopy.ts';
import type { TransferStore } from '../engine/transfers/transferList.ts';
import { InsertedDiscs } from '../install/disc/insertedDiscs.ts';
import { tickAchievements } from './achievements.ts';
import { createApi, type GuestwireApi } from './api.ts';
import type { CommandName } from './commands/command.ts';
import { runCommand } from './commands/runCommand.ts';
import { Consoles } from './console/consoles.ts';
import { CopyFlow } from './copy/copyFlow.ts';
import { type DomainsNode, DomainsTree } from './domains/domainsTree.ts';
import { followDomainsView } from './domains/domainsView.ts';
import { type DropFiles, dropFiles } from './domains/dropFiles.ts';
import { onSettingChange, settings } from './settings.ts';
import { setTranslation } from './support/l10n.ts';
import { offerInterrupted } from './transfers/transferNotifications.ts';
import { type TransferNode, TransfersTree } from './transfers/transfersTree.ts';
import { createTransfers } from './windowTransfers.ts';

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
  setTranslation(vscode.l10n.t, vscode.env.language);
  const connections = createConnections(log);
  const receivers = followLifecycles(connections, new Receivers());
  const windowTransfers = createTransfers(receivers, store, log);
  const { transfers } = windowTransfers;
  const memory = new CopyMemory(globalState);
  const copyFlow = new CopyFlow({ connections, receivers, transfers, memory });
  const consoles = new Consoles();
  const discs = new InsertedDiscs(globalState);
  const domainsTree = new DomainsTree(connections, receivers);
  const watch = new DomainWatch({ connections, receivers });
  const transfersTree = new TransfersTree(transfers);
  const parts = {
    ...{ connections, consoles, copyFlow, discs, domainsTree },
    ...{ receivers, transfers, transfersView, log },
  };
  const all = vscode.Disposable.from(
    ...[connections, consoles, watch, domainsTree, transfersTree, windowTransfers],
    followDomainsView({ view: domainsView, connections, watch }),
    tickAchievements({ connections, receivers, transfers }),
    new vscode.Disposable(rememberCopies(transfers, memory)),
    onSettingChange('connections', () => connections.reload()),
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
    resolveDefault: async () => (await loadEngine()).chooseConnection(undefined),
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
