import * as vscode from 'vscode';

/** A tree item before it is VS Code's. All texts are harmless. */
export interface Presentation {
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  /** What a screen reader says. */
  readonly accessibleLabel: string;
  readonly icon: Icon;
  /** Words that `when` clauses of the manifest look for. */
  readonly contextValue: string;
}

export interface Icon {
  /** Of VS Code's codicons. */
  readonly id: string;
  /** Of VS Code's theme colours. */
  readonly color?: string;
}

export function treeItem(
  id: string,
  presentation: Presentation,
  collapsibleState = vscode.TreeItemCollapsibleState.None,
): vscode.TreeItem {
  const { label, description, tooltip, icon, contextValue, accessibleLabel } = presentation;
  const item = new vscode.TreeItem(label, collapsibleState);
  item.id = id;
  item.description = description;
  // A string, not Markdown, which would render what names from guests and definitions contain.
  item.tooltip = tooltip;
  item.contextValue = contextValue;
  item.accessibilityInformation = { label: accessibleLabel };
  item.iconPath = new vscode.ThemeIcon(icon.id, icon.color ? new vscode.ThemeColor(icon.color) : undefined);
  return item;
}
