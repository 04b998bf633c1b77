import path from 'node:path';
import * as vscode from 'vscode';
import { unsavedDocument } from '../sources/sources.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';

/**
 * Decides which sources are taken from their editors. Files that were never saved always are; for other unsaved
 * changes the user is asked. Undefined if the user cancels.
 */
export async function askUnsaved(sources: readonly string[]): Promise<readonly string[] | undefined> {
  const documents = sources.flatMap(source => {
    const document = unsavedDocument(source);
    return document ? [{ source, document }] : [];
  });
  const never = documents.filter(({ document }) => document.isUntitled).map(({ source }) => source);
  const changed = documents.filter(({ document }) => !document.isUntitled);
  if (changed.length === 0) return never;
  const save = l10n.t('Save and Copy');
  const asShown = l10n.t('Copy Without Saving');
  const asSaved = l10n.t('Copy Saved File');
  const answer = await vscode.window.showWarningMessage(
    question(changed.map(({ document }) => document)),
    { modal: true, detail: l10n.t('"Copy Without Saving" copies the text shown in the editor.') },
    save,
    asShown,
    asSaved,
  );
  if (answer === asSaved) return never;
  if (answer === asShown) return documents.map(({ source }) => source);
  if (answer !== save) return undefined;
  const saved = await Promise.all(changed.map(({ document }) => document.save()));
  return saved.every(Boolean) ? never : undefined;
}

/** For a copy that asks nothing: takes the text that the editor shows. */
export function allUnsaved(sources: readonly string[]): string[] {
  return sources.filter(source => unsavedDocument(source) !== undefined);
}

function question(documents: readonly vscode.TextDocument[]): string {
  const [first] = documents;
  const name = harmless(path.basename(first?.fileName ?? ''));
  return documents.length === 1
    ? l10n.t('"{0}" has unsaved changes.', name)
    : l10n.t('{0} files have unsaved changes.', documents.length);
}
