import * as vscode from 'vscode';
import { destinationProblem } from '../../engine/transfers/destinations.ts';
import { l10n, localized } from '../support/l10n.ts';
import { guestsText } from '../transfers/jobText.ts';

export interface DestinationProposal {
  readonly folder: string;
  /** Of the copy in it; empty if it isn't proposed. */
  readonly name: string;
}

/** Undefined if the user cancels. */
export function askDestination(
  domains: readonly string[],
  { folder, name }: DestinationProposal,
  what: string,
  sourceCount: number,
): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: l10n.t('Copy {0} to {1}', what, guestsText(domains)),
    prompt:
      domains.length > 1
        ? l10n.t('Enter a folder to use in every guest. "~/" is the home folder of each receiver\'s user.')
        : l10n.t(
            'Enter a folder in the guest, or a path for the copy. "~/" is the home folder of the receiver\'s user.',
          ),
    value: folder + name,
    // What's typed next replaces the name, or continues the folder.
    valueSelection: [folder.length, folder.length + name.length],
    validateInput: text => {
      const problem = destinationProblem(text, sourceCount);
      return problem && localized(problem);
    },
  });
}
