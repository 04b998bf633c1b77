import * as vscode from 'vscode';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { destinationProblem } from './destinations.ts';

/** Undefined when the user thinks better of it. */
export function askDestination(
  domain: string,
  proposal: string,
  what: string,
  sourceCount: number,
): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: l10n.t('Copy {0} to {1}', what, harmless(domain)),
    prompt: l10n.t('Folder in the guest, or the name of the copy. "~/" is the home folder of its receiver.'),
    value: proposal,
    valueSelection: [proposal.length, proposal.length],
    validateInput: text => destinationProblem(text, sourceCount),
  });
}
