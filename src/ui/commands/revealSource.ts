import * as vscode from 'vscode';
import { uriOf } from '../sources/sources.ts';
import { chooseTransfer } from './chooseTransfer.ts';
import type { Command } from './command.ts';

/** Shows the first source in the Explorer if it's in the workspace, else in the system's file manager. */
export const revealSource: Command = async ({ transfers }, node) => {
  const transfer = await chooseTransfer(transfers, node, () => true);
  const [source] = transfer?.request.sources ?? [];
  if (source === undefined) return;
  const uri = uriOf(source);
  const command = vscode.workspace.getWorkspaceFolder(uri) ? 'revealInExplorer' : 'revealFileInOS';
  await vscode.commands.executeCommand(command, uri);
};
