import path from 'node:path';
import * as vscode from 'vscode';

/** A path starts with `/` or a one-letter drive; two or more letters before a colon are a URI's scheme. */
const OTHER_SCHEME = /^[a-z][\w+.-]+:/i;

/** A plain path for a file on disk, as messages show it to the user; else the URI. */
function sourceOf(uri: vscode.Uri): string {
  return uri.scheme === 'file' ? uri.fsPath : uri.toString();
}

export function uriOf(source: string): vscode.Uri {
  return OTHER_SCHEME.test(source) ? vscode.Uri.parse(source, true) : vscode.Uri.file(source);
}

export function isOnDisk(source: string): boolean {
  return !OTHER_SCHEME.test(source);
}

/** The source's name if it's a file, to be proposed for its copy; empty for a folder. */
export async function fileNameOf(source: string): Promise<string> {
  const uri = uriOf(source);
  // What can't be looked at, such as an editor that was never saved, is no folder.
  const info = await Promise.resolve(vscode.workspace.fs.stat(uri)).catch(() => undefined);
  return info && info.type & vscode.FileType.Directory ? '' : path.posix.basename(uri.path);
}

/** The source's open document, if its text differs from the saved file. */
export function unsavedDocument(source: string): vscode.TextDocument | undefined {
  const key = uriOf(source).toString();
  return vscode.workspace.textDocuments.find(
    document => document.uri.toString() === key && (document.isDirty || document.isUntitled),
  );
}

/** Without duplicates and without what is inside another source, which would be copied twice. */
export function distinctSources(uris: readonly vscode.Uri[]): string[] {
  const sources = [...new Set(uris.map(sourceOf))];
  const isInside = (inner: string, outer: string) =>
    inner.length > outer.length && inner.startsWith(outer) && /[\\/]/.test(inner.charAt(outer.length));
  return sources.filter(source => !sources.some(other => isInside(source, other)));
}

/** The file in the active tab, which may be an image or notebook rather than a text editor. */
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
