import * as vscode from 'vscode';
import { columnsOf } from '../../text/printable.ts';
import { l10n } from './l10n.ts';

/** A notification is 450 pixels wide, with an icon and two buttons of VS Code's own. */
const COLUMNS = 48;

type Show = (text: string, ...buttons: string[]) => Thenable<string | undefined>;

/**
 * Says something that needs no answer. VS Code cuts off what doesn't fit into one line, unless there's a button: then it
 * shows all of it, and the button shows it once more, for as long as it takes to follow an instruction.
 */
export const tell = {
  info: (text: string): void => void say(vscode.window.showInformationMessage, text),
  warning: (text: string): void => void say(vscode.window.showWarningMessage, text),
  error: (text: string): void => void say(vscode.window.showErrorMessage, text),
};

async function say(show: Show, text: string): Promise<void> {
  const details = l10n.t('Show Details');
  const answer = await show(text, ...(columnsOf(text) <= COLUMNS ? [] : [details]));
  if (answer === details) await vscode.window.showInformationMessage(text, { modal: true });
}
