import * as vscode from 'vscode';
import { type Job, jobOf } from '../../engine/transfers/jobs.ts';
import type { Transfer } from '../../engine/transfers/transfer.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { l10n } from '../support/l10n.ts';
import { History, presentLast, presentThroughput, type Readout } from './throughputText.ts';

const UPDATE_MS = 500;
/** With one value a second, the graph shows the last minute. */
const HISTORY_LENGTH = 60;
const UPDATES_PER_VALUE = 2;
/** How long the last result stays visible. */
const LINGER_MS = 30_000;

/** The status bar item: the rate of all transfers while any runs, then the last result for a while. */
export class Throughput {
  readonly #transfers: TransferList;
  readonly #item = vscode.window.createStatusBarItem('throughput', vscode.StatusBarAlignment.Left, 10);
  readonly #history = new History(HISTORY_LENGTH);
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | undefined;
  #updates = 0;

  constructor(transfers: TransferList) {
    this.#transfers = transfers;
    this.#item.name = l10n.t('Guestwire Throughput');
    this.#item.command = 'guestwire.showTransfers';
    this.#stopListening = transfers.changes.on(({ id, kind }) => {
      if (kind === 'state') this.#onState(id);
    });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#stopListening();
    this.#item.dispose();
  }

  #onState(id: string | undefined): void {
    clearTimeout(this.#timer);
    if (this.#isRunning) this.#tick();
    else this.#showLast(id);
  }

  get #isRunning(): boolean {
    return this.#transfers.all.some(({ state }) => state === 'running');
  }

  #tick(): void {
    const { all } = this.#transfers;
    if (this.#updates % UPDATES_PER_VALUE === 0) {
      this.#history.add(all.reduce((sum, { progress }) => sum + (progress?.bytesPerSecond ?? 0), 0));
    }
    this.#updates += 1;
    this.#show(presentThroughput(all, this.#history.values));
    this.#timer = setTimeout(() => this.#tick(), UPDATE_MS);
  }

  #showLast(id: string | undefined): void {
    this.#history.clear();
    this.#updates = 0;
    const transfer = id === undefined ? undefined : this.#transfers.get(id);
    const readout = transfer && presentLast(worstOf(jobOf(this.#transfers.all, transfer)));
    if (!readout) {
      this.#item.hide();
      return;
    }
    this.#show(readout);
    this.#timer = setTimeout(() => this.#item.hide(), LINGER_MS);
  }

  #show({ text, tooltip, accessibleLabel }: Readout): void {
    this.#item.text = text;
    // A string, not Markdown, which would render what names of files and guests contain.
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: accessibleLabel, role: 'button' };
    this.#item.show();
  }
}

/** The failed transfer of a job if there is one, so that another guest's success doesn't hide it. */
function worstOf(job: Job): Transfer {
  return job.find(({ state }) => state === 'failed') ?? job[0];
}
