import * as vscode from 'vscode';
import { l10n } from '../support/l10n.ts';
import type { TransferList } from './transferList.ts';
import { detailsText, sourcesText } from './transferText.ts';

const SCHEME = 'guestwire-transfer';

/** Gives each transfer a read-only document that tells all of it. */
export function provideDetails(transfers: TransferList): vscode.Disposable {
  const content = (uri: vscode.Uri) => {
    const transfer = transfers.get(uri.query);
    if (!transfer) return l10n.t('This transfer was cleared from the list.');
    return detailsText(transfer.request, transfer.outcome, transfer.error);
  };
  return vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    provideTextDocumentContent: content,
  });
}

export async function showDetails(id: string, transfers: TransferList): Promise<void> {
  const transfer = transfers.get(id);
  const name = transfer ? sourcesText(transfer.request).replaceAll('/', '_') : 'copy';
  const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}.log`, query: id });
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document, { preview: true });
}
