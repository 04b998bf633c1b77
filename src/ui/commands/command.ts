import type * as vscode from 'vscode';
import type { Connections } from '../../engine/connections/connections.ts';
import type { Receivers } from '../../engine/connections/receivers.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import type { InsertedDiscs } from '../../install/disc/insertedDiscs.ts';
import type { Consoles } from '../console/consoles.ts';
import type { CopyFlow } from '../copy/copyFlow.ts';
import type { DomainsTree } from '../domains/domainsTree.ts';

/** What commands work with. */
export interface CommandParts {
  readonly connections: Connections;
  readonly consoles: Consoles;
  readonly copyFlow: CopyFlow;
  readonly discs: InsertedDiscs;
  readonly domainsTree: DomainsTree;
  readonly receivers: Receivers;
  readonly transfers: TransferList;
  readonly log: vscode.LogOutputChannel;
}

/** What VS Code passes depends on where the command was called from: each command looks for itself. */
export type Command = (parts: CommandParts, ...args: readonly unknown[]) => unknown;
