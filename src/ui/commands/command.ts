import type * as vscode from 'vscode';
import type { Connections } from '../../engine/connections/connections.ts';
import type { Receivers } from '../../engine/connections/receivers.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import type { InsertedDiscs } from '../../install/disc/insertedDiscs.ts';
import type { Consoles } from '../console/consoles.ts';
import type { CopyFlow } from '../copy/copyFlow.ts';
import type { DomainsTree } from '../domains/domainsTree.ts';
import type { TransferNode } from '../transfers/transfersTree.ts';

/** Every command, by the last part of its id, which is also the name of its function and file. */
export const COMMAND_NAMES = [
  'addConnection',
  'cancelTransfer',
  'clearTransfers',
  'copyFilesHere',
  'copySelectedToLastGuest',
  'copySha256',
  'copyToGuest',
  'copyToLastGuest',
  'destroyDomain',
  'findDomain',
  'installReceiver',
  'openConsole',
  'rebootDomain',
  'refresh',
  'removeConnection',
  'removeTransfer',
  'resumeDomain',
  'retryTransfer',
  'revealSource',
  'setGuestTerminalSize',
  'showLog',
  'showTransferDetails',
  'showTransfers',
  'shutdownDomain',
  'startDomain',
  'suspendDomain',
] as const;

export type CommandName = (typeof COMMAND_NAMES)[number];

/** A command's function, for every name. */
export type Commands = Readonly<Record<CommandName, Command>>;

/** The parts of the extension that commands use. */
export interface CommandParts {
  readonly connections: Connections;
  readonly consoles: Consoles;
  readonly copyFlow: CopyFlow;
  readonly discs: InsertedDiscs;
  readonly domainsTree: DomainsTree;
  readonly receivers: Receivers;
  readonly transfers: TransferList;
  readonly transfersView: vscode.TreeView<TransferNode>;
  readonly log: vscode.LogOutputChannel;
}

/** VS Code passes different arguments depending on where it's called from, so each command checks its own. */
export type Command = (parts: CommandParts, ...args: readonly unknown[]) => unknown;
