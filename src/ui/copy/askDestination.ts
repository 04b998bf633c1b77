import * as vscode from 'vscode';
import { l10n } from '../support/l10n.ts';
import { guestsText } from '../transfers/jobText.ts';
import { destinationProblem } from './destinations.ts';

/** Undefined when the user thinks better of it. */
export function askDestination(
  domains: readonly string[],
  proposal: string,
  what: string,
  sourceCount: number,
): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: l10n.t('Copy {0} to {1}', what, guestsText(domains)),
    prompt:
      domains.length > 1
        ? l10n.t('The same folder in every guest. "~/" is the home folder of each receiver.')
        : l10n.t('Folder in the guest, or the name of the copy. "~/" is the home folder of its receiver.'),
    value: proposal,
    valueSelection: [proposal.length, proposal.length],
    validateInput: text => destinationProblem(text, sourceCount),
  });
}
