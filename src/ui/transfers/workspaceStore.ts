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

/**
 * Whether the window ended while transfers were waiting or running. Looked up at every start, so it doesn't import
 * isFinished: that would bring the transfers' code along.
 */
export function hasInterrupted(store: TransferStore): boolean {
  return store.load().some(({ state }) => state === 'queued' || state === 'running');
}
