import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import type { Receivers } from '../../engine/connections/receivers.ts';
import type { InsertedDiscs } from '../../install/disc/insertedDiscs.ts';
import type { Consoles } from '../console/consoles.ts';

/** What each way to install a receiver needs. */
export interface InstallParts {
  readonly place: DomainPlace;
  readonly consoles: Consoles;
  readonly receivers: Receivers;
  readonly discs: InsertedDiscs;
}

/** The folder of the extension with the receivers and their installers. */
export function receiverFolder(): vscode.Uri {
  const extension = vscode.extensions.getExtension('guestwire.guestwire');
  if (!extension) throw new Error("the extension can't find its own folder");
  return vscode.Uri.joinPath(extension.extensionUri, 'dist', 'guest');
}

export function receiverUri(): vscode.Uri {
  return vscode.Uri.joinPath(receiverFolder(), 'receiver.py');
}

export function readReceiver(): Promise<Buffer> {
  return readFile(receiverUri().fsPath);
}
