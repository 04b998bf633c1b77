import type * as vscode from 'vscode';
import type { TransferRecord } from '../../engine/transfers/transfer.ts';
import type { TransferStore } from '../../engine/transfers/transferList.ts';

/** The number changes with the shape of a record, so that records of an older version are ignored. */
const KEY = 'guestwire.transfers.2';

export function workspaceStore(state: vscode.Memento): TransferStore {
  return {
    load: () => state.get<readonly TransferRecord[]>(KEY, []),
    save: records => void state.update(KEY, records),
  };
}
