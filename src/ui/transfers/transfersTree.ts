import * as vscode from 'vscode';
import { debounce } from '../../engine/support/debounce.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { treeItem } from '../treeItem.ts';
import { presentTransfer } from './transferPresentation.ts';

/** What VS Code passes to commands called in this view. */
export interface TransferNode {
  readonly kind: 'transfer';
  readonly id: string;
}

export function isTransferNode(value: unknown): value is TransferNode {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'transfer';
}

/** Faster changes couldn't be read. */
const REDRAW_MS = 300;

/** All transfers, newest first. */
export class TransfersTree implements vscode.TreeDataProvider<TransferNode> {
  readonly #transfers: TransferList;
  readonly #onDidChange = new vscode.EventEmitter<TransferNode | TransferNode[] | undefined>();
  readonly onDidChangeTreeData = this.#onDidChange.event;
  readonly #nodes = new Map<string, TransferNode>();
  readonly #advanced = new Set<string>();
  readonly #redraw = debounce(() => this.#fireAdvanced(), REDRAW_MS);

  constructor(transfers: TransferList) {
    this.#transfers = transfers;
    transfers.changes.on(({ id, kind }) => {
      if (id === undefined) return this.#onDidChange.fire(undefined);
      if (kind === 'state') return this.#onDidChange.fire(this.#node(id));
      this.#advanced.add(id);
      this.#redraw();
    });
  }

  getChildren(node?: TransferNode): TransferNode[] {
    return node ? [] : this.#transfers.all.map(({ id }) => this.#node(id));
  }

  getTreeItem({ id }: TransferNode): vscode.TreeItem {
    const transfer = this.#transfers.get(id);
    if (!transfer) return new vscode.TreeItem('');
    const item = treeItem(id, presentTransfer(transfer));
    item.command = {
      command: 'guestwire.showTransferDetails',
      title: '',
      arguments: [this.#node(id)],
    };
    return item;
  }

  dispose(): void {
    this.#redraw.cancel();
    this.#onDidChange.dispose();
  }

  #node(id: string): TransferNode {
    const known = this.#nodes.get(id);
    if (known) return known;
    const node: TransferNode = { kind: 'transfer', id };
    this.#nodes.set(id, node);
    return node;
  }

  #fireAdvanced(): void {
    const nodes = [...this.#advanced].map(id => this.#node(id));
    this.#advanced.clear();
    if (nodes.length > 0) this.#onDidChange.fire(nodes);
  }
}
