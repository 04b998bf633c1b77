import * as vscode from 'vscode';

/** A tree whose code is loaded when VS Code first asks for its nodes, which it does when the view becomes visible. */
export class LazyTree<Node> implements vscode.TreeDataProvider<Node> {
  readonly #load: () => Promise<vscode.TreeDataProvider<Node> | undefined>;
  readonly #onDidChange = new vscode.EventEmitter<Node | Node[] | undefined>();
  readonly onDidChangeTreeData = this.#onDidChange.event;
  #forwarding: vscode.Disposable | undefined;

  /** @param load - called for every question; gives undefined if the code can't be loaded */
  constructor(load: () => Promise<vscode.TreeDataProvider<Node> | undefined>) {
    this.#load = load;
  }

  async getChildren(node?: Node): Promise<Node[]> {
    return (await (await this.#tree())?.getChildren(node)) ?? [];
  }

  async getTreeItem(node: Node): Promise<vscode.TreeItem> {
    return (await this.#tree())?.getTreeItem(node) ?? new vscode.TreeItem('');
  }

  async getParent(node: Node): Promise<Node | undefined> {
    return (await (await this.#tree())?.getParent?.(node)) ?? undefined;
  }

  dispose(): void {
    this.#forwarding?.dispose();
    this.#onDidChange.dispose();
  }

  async #tree(): Promise<vscode.TreeDataProvider<Node> | undefined> {
    const tree = await this.#load();
    this.#forwarding ??= tree?.onDidChangeTreeData?.(changed => this.#onDidChange.fire(changed ?? undefined));
    return tree;
  }
}
