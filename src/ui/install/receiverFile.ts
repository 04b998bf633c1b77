import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';

/** The receivers and installers as they came with the extension. */
export function receiverFolder(): vscode.Uri {
  const extension = vscode.extensions.getExtension('guestwire.guestwire');
  if (!extension) throw new Error('the extension does not find itself');
  return vscode.Uri.joinPath(extension.extensionUri, 'dist', 'guest');
}

export function receiverUri(): vscode.Uri {
  return vscode.Uri.joinPath(receiverFolder(), 'receiver.py');
}

export function readReceiver(): Promise<Buffer> {
  return readFile(receiverUri().fsPath);
}
