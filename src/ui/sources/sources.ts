import * as vscode from 'vscode';

/** Host paths begin with `/` or a drive's one letter; everything longer before a colon is a URI's scheme. */
const OTHER_SCHEME = /^[a-z][\w+.-]+:/i;

/** A path for what is on this computer's disk, so that messages show it as people know it; else the URI. */
function sourceOf(uri: vscode.Uri): string {
  return uri.scheme === 'file' ? uri.fsPath : uri.toString();
}

export function uriOf(source: string): vscode.Uri {
  return OTHER_SCHEME.test(source) ? vscode.Uri.parse(source, true) : vscode.Uri.file(source);
}

export function isOnDisk(source: string): boolean {
  return !OTHER_SCHEME.test(source);
}

/** The open document of a source whose text in the editor isn't the file's. */
export function unsavedDocument(source: string): vscode.TextDocument | undefined {
  const key = uriOf(source).toString();
  return vscode.workspace.textDocuments.find(
    document => document.uri.toString() === key && (document.isDirty || document.isUntitled),
  );
}

/** Each once, and nothing that lies in a folder which is copied anyway. */
export function distinctSources(uris: readonly vscode.Uri[]): string[] {
  const sources = [...new Set(uris.map(sourceOf))];
  const isInside = (inner: string, outer: string) =>
    inner.length > outer.length && inner.startsWith(outer) && /[\\/]/.test(inner.charAt(outer.length));
  return sources.filter(source => !sources.some(other => isInside(source, other)));
}

/** What the user is looking at: also images and notebooks, which are no text editors. */
export function activeFile(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (
    input instanceof vscode.TabInputText ||
    input instanceof vscode.TabInputCustom ||
    input instanceof vscode.TabInputNotebook
  ) {
    return input.uri;
  }
  if (input instanceof vscode.TabInputTextDiff || input instanceof vscode.TabInputNotebookDiff) {
    return input.modified;
  }
  return vscode.window.activeTextEditor?.document.uri;
}
