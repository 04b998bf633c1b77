import * as vscode from 'vscode';
import { type Job, jobOf } from '../../engine/transfers/jobs.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { l10n } from '../support/l10n.ts';
import { detailsTitle, jobDetails } from './detailsText.ts';

const SCHEME = 'guestwire-transfer';
const WHOLE_JOB = 'job';

/** Provides a read-only document with all details of each transfer, which follows the transfer while it's open. */
export function provideDetails(transfers: TransferList): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const stop = transfers.changes.on(({ kind }) => {
    if (kind === 'progress') return;
    for (const { uri } of vscode.workspace.textDocuments) if (uri.scheme === SCHEME) changed.fire(uri);
  });
  const provider = vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    onDidChange: changed.event,
    provideTextDocumentContent: ({ query, fragment }) => {
      const job = jobWith(query, transfers, fragment === WHOLE_JOB);
      return job ? jobDetails(job) : l10n.t('This transfer was cleared from the list.');
    },
  });
  return vscode.Disposable.from({ dispose: stop }, provider, changed);
}

export interface ShowDetailsOptions {
  /** Includes the other guests that the same files were copied to. */
  readonly wholeJob?: boolean;
  /** Leaves the focus where it is, as a click in the Explorer does. */
  readonly preserveFocus?: boolean;
}

export async function showDetails(
  id: string,
  transfers: TransferList,
  { wholeJob = false, preserveFocus = false }: ShowDetailsOptions = {},
): Promise<void> {
  const job = jobWith(id, transfers, wholeJob);
  if (!job) return;
  const uri = vscode.Uri.from({
    scheme: SCHEME,
    // The last part is the editor's title.
    path: `/${detailsTitle(job).replaceAll('/', '_')}`,
    query: id,
    fragment: wholeJob ? WHOLE_JOB : '',
  });
  const document = await vscode.workspace.openTextDocument(uri);
  // A guest may be called "x.log".
  if (document.languageId !== 'plaintext')
    await vscode.languages.setTextDocumentLanguage(document, 'plaintext');
  await vscode.window.showTextDocument(document, { preview: true, preserveFocus });
}

function jobWith(id: string, transfers: TransferList, wholeJob: boolean): Job | undefined {
  const transfer = transfers.get(id);
  if (!transfer) return undefined;
  return wholeJob ? jobOf(transfers.all, transfer) : [transfer];
}
