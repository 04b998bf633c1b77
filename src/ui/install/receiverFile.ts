import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';

/** guest/receiver.py as it came with the extension. */
export function receiverUri(): vscode.Uri {
  const extension = vscode.extensions.getExtension('guestwire.guestwire');
  if (!extension) throw new Error('the extension does not find itself');
  return vscode.Uri.joinPath(extension.extensionUri, 'guest', 'receiver.py');
}

export function readReceiver(): Promise<Buffer> {
  return readFile(receiverUri().fsPath);
}
