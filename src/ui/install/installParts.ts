import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import type { Receivers } from '../../engine/connections/receivers.ts';
import type { Target } from '../../engine/guest/target.ts';
import type { InsertedDiscs } from '../../install/disc/insertedDiscs.ts';
import type { Consoles } from '../console/consoles.ts';

/** A copy that failed for want of a receiver. */
export interface WaitingCopy {
  /** Such as "notes.txt". */
  readonly what: string;
  /** Ends when the copy does, however that is. */
  resume(): Promise<unknown>;
}

/** What any guest needs, also one at the other end of a serial port. */
export interface ReceiverParts {
  readonly target: Target;
  readonly place?: DomainPlace | undefined;
  readonly receivers: Receivers;
  /** Goes on as soon as a receiver answers. */
  readonly copy?: WaitingCopy | undefined;
  /** Offers the ways to a receiver again. */
  readonly offerWays: () => Promise<void>;
}

/** What each way to install a receiver in a domain needs. */
export interface InstallParts extends ReceiverParts {
  readonly place: DomainPlace;
  readonly consoles: Consoles;
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
