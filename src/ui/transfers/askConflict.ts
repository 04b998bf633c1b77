import * as vscode from 'vscode';
import type { AskConflict } from '../../engine/transfers/sharedAnswers.ts';
import type { Conflict, ConflictDecision } from '../../transfer/index.ts';
import { l10n } from '../support/l10n.ts';
import { conflictChoices, conflictTitle } from './conflictChoices.ts';

interface ChoiceItem extends vscode.QuickPickItem {
  readonly decision?: ConflictDecision;
}

const CANCEL: ConflictDecision = { action: 'cancel' };
/** Transfers run in parallel but VS Code shows one list at a time, so questions wait for one another. */
let lastQuestion: Promise<unknown> = Promise.resolve();

/** Asks what to do with an existing file. Escape and the signal cancel the transfer. */
export const askConflict: AskConflict = (...question) => {
  const answer = lastQuestion.then(() => ask(...question));
  lastQuestion = answer.catch(() => undefined);
  return answer;
};

const ask: AskConflict = async (conflict, domain, signal, onAsking) => {
  if (signal.aborted) return CANCEL;
  const picker = vscode.window.createQuickPick<ChoiceItem>();
  const onAbort = () => picker.hide();
  signal.addEventListener('abort', onAbort, { once: true });
  picker.title = conflictTitle(conflict, domain);
  picker.placeholder = l10n.t('What do you want to do?');
  picker.ignoreFocusOut = true;
  picker.items = items(conflict);
  // "Skip" is preselected, so that Enter alone never destroys anything.
  picker.activeItems = picker.items.filter(({ decision }) => decision?.action === 'skip').slice(0, 1);
  try {
    return await new Promise(resolve => {
      picker.onDidHide(() => resolve(CANCEL));
      picker.onDidAccept(() => resolve(picker.selectedItems[0]?.decision ?? CANCEL));
      picker.show();
      onAsking(conflict.source);
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    picker.dispose();
    onAsking(undefined);
  }
};

function items(conflict: Conflict): ChoiceItem[] {
  const { once, forAll } = conflictChoices(conflict);
  return [
    ...once,
    { label: l10n.t('All remaining files in this transfer'), kind: vscode.QuickPickItemKind.Separator },
    ...forAll,
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: l10n.t('Cancel Transfer'), decision: CANCEL },
  ];
}
