import * as vscode from 'vscode';

/** What a tree shows of one node. Names of others in its texts have been made harmless. */
export interface Presentation {
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  /** What a screen reader says. */
  readonly accessibleLabel: string;
  readonly icon: Icon;
  /** Words that the manifest's `when` clauses match. */
  readonly contextValue: string;
}

export interface Icon {
  /** Name of a codicon. */
  readonly id: string;
  /** Id of a theme colour. */
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
