import type * as vscode from 'vscode';
import type { TransferRecord } from '../../engine/transfers/transfer.ts';
import type { TransferStore } from '../../engine/transfers/transferList.ts';

/** The number changes when a record's shape does: what an older version left is then forgotten. */
const KEY = 'guestwire.transfers.2';

export function workspaceStore(state: vscode.Memento): TransferStore {
  return {
    load: () => state.get<readonly TransferRecord[]>(KEY, []),
    save: records => void state.update(KEY, records),
  };
}
