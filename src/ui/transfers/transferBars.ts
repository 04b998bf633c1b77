import * as vscode from 'vscode';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { percentOf, progressText } from './progressText.ts';
import { isFinished, type Transfer } from './transfer.ts';
import type { TransferList } from './transferList.ts';
import { sourcesText } from './transferText.ts';

type Progress = vscode.Progress<{ message: string; increment: number }>;

/** For each copy, from when it begins to wait until it ends, a notification that shows how far it is and can cancel it. */
export function showProgress(transfers: TransferList): vscode.Disposable {
  const bars = new Map<string, TransferBar>();
  const follow = (transfer: Transfer) => {
    const { id, state } = transfer;
    if (isFinished(state)) {
      bars.get(id)?.end();
      bars.delete(id);
      return;
    }
    const bar = bars.get(id) ?? new TransferBar(transfer, () => transfers.cancel(id));
    bars.set(id, bar);
    bar.show(transfer);
  };
  const stop = transfers.changes.on(({ id }) => {
    const changed = id === undefined ? transfers.all : [transfers.get(id)];
    for (const transfer of changed) if (transfer) follow(transfer);
  });
  const dispose = () => {
    stop();
    for (const bar of bars.values()) bar.end();
  };
  return { dispose };
}

class TransferBar {
  readonly #ended = Promise.withResolvers<void>();
  #bar: Progress | undefined;
  #percent = 0;
  #shownPercent = 0;
  #message = '';

  constructor({ request }: Transfer, cancel: () => void) {
    const title = l10n.t('Copying {0} to {1}', sourcesText(request), harmless(request.domain));
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    void vscode.window.withProgress(options, async (bar: Progress, token) => {
      token.onCancellationRequested(cancel);
      this.#bar = bar;
      this.#report();
      await this.#ended.promise;
    });
  }

  show(transfer: Transfer): void {
    const { progress } = transfer;
    this.#message = messageOf(transfer);
    this.#percent = progress ? percentOf([progress]) : 0;
    this.#report();
  }

  end(): void {
    this.#ended.resolve();
  }

  #report(): void {
    if (!this.#bar) return;
    // VS Code adds up, and takes nothing back.
    const increment = Math.max(0, this.#percent - this.#shownPercent);
    this.#shownPercent += increment;
    this.#bar.report({ message: this.#message, increment });
  }
}

function messageOf({ request, state, progress }: Transfer): string {
  if (progress) return progressText(progress, sourcesText(request));
  return state === 'queued'
    ? l10n.t('waiting for the copies before it…')
    : l10n.t('looking for the receiver…');
}
