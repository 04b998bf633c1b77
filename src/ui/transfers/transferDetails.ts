import * as vscode from 'vscode';
import { jobOf } from '../../engine/transfers/jobs.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { l10n } from '../support/l10n.ts';
import { jobDetails } from './jobText.ts';
import { sourcesText } from './transferText.ts';

const SCHEME = 'guestwire-transfer';
const WHOLE_JOB = 'job';

/** Provides a read-only document with all details of each transfer. */
export function provideDetails(transfers: TransferList): vscode.Disposable {
  const content = (uri: vscode.Uri) => {
    const transfer = transfers.get(uri.query);
    if (!transfer) return l10n.t('This transfer was cleared from the list.');
    return jobDetails(uri.fragment === WHOLE_JOB ? jobOf(transfers.all, transfer) : [transfer]);
  };
  return vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    provideTextDocumentContent: content,
  });
}

/** @param wholeJob - includes the other guests that the same files were copied to */
export async function showDetails(id: string, transfers: TransferList, wholeJob = false): Promise<void> {
  const transfer = transfers.get(id);
  const name = transfer ? sourcesText(transfer.request).replaceAll('/', '_') : 'copy';
  const uri = vscode.Uri.from({
    scheme: SCHEME,
    path: `/${name}.log`,
    query: id,
    fragment: wholeJob ? WHOLE_JOB : '',
  });
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document, { preview: true });
}
