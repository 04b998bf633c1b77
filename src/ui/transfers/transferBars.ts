import * as vscode from 'vscode';
import { type Job, jobKey, jobOf, jobsOf } from '../../engine/transfers/jobs.ts';
import { isFinished } from '../../engine/transfers/transfer.ts';
import type { TransferList } from '../../engine/transfers/transferList.ts';
import { jobMessage, jobPercent, jobTitle } from './jobText.ts';

type ProgressBar = vscode.Progress<{ message: string; increment: number }>;

/** Shows a cancellable progress notification for each job, from when it's queued until it ends. */
export function showProgress(transfers: TransferList): vscode.Disposable {
  const bars = new Map<string, JobBar>();
  const follow = (job: Job) => {
    const key = jobKey(job[0]);
    if (job.every(({ state }) => isFinished(state))) {
      bars.get(key)?.end();
      bars.delete(key);
      return;
    }
    const cancel = () => {
      for (const { id } of job) transfers.cancel(id);
    };
    const bar = bars.get(key) ?? new JobBar(job, cancel);
    bars.set(key, bar);
    bar.show(job);
  };
  const stop = transfers.changes.on(({ id }) => {
    const { all } = transfers;
    const changed = id === undefined ? undefined : transfers.get(id);
    if (changed) follow(jobOf(all, changed));
    else for (const job of jobsOf(all)) follow(job);
  });
  const dispose = () => {
    stop();
    for (const bar of bars.values()) bar.end();
  };
  return { dispose };
}

class JobBar {
  readonly #ended = Promise.withResolvers<void>();
  #bar: ProgressBar | undefined;
  #percent = 0;
  #shownPercent = 0;
  #message = '';

  constructor(job: Job, cancel: () => void) {
    const title = jobTitle(job);
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    void vscode.window.withProgress(options, async (bar: ProgressBar, token) => {
      token.onCancellationRequested(cancel);
      this.#bar = bar;
      this.#report();
      await this.#ended.promise;
    });
  }

  show(job: Job): void {
    this.#message = jobMessage(job);
    this.#percent = jobPercent(job);
    this.#report();
  }

  end(): void {
    this.#ended.resolve();
  }

  #report(): void {
    if (!this.#bar) return;
    // VS Code adds the increments up, and the bar can't go back.
    const increment = Math.max(0, this.#percent - this.#shownPercent);
    this.#shownPercent += increment;
    this.#bar.report({ message: this.#message, increment });
  }
}
