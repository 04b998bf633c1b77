import * as vscode from 'vscode';
import type { ProgressBar } from '../../engine/transfers/jobNotifications.ts';
import type { Job } from '../../engine/transfers/jobs.ts';
import { jobMessage, jobPercent, jobTitle } from './jobText.ts';

type Progress = vscode.Progress<{ message: string; increment: number }>;

/** A progress notification that the user can cancel. */
export class JobBar implements ProgressBar {
  readonly #ended = Promise.withResolvers<void>();
  #progress: Progress | undefined;
  #percent = 0;
  #shownPercent = 0;
  #message = '';

  constructor(job: Job, cancel: () => void) {
    const title = jobTitle(job);
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    void vscode.window.withProgress(options, async (progress: Progress, token) => {
      token.onCancellationRequested(cancel);
      this.#progress = progress;
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
    if (!this.#progress) return;
    // VS Code adds the increments up, and the bar can't go back.
    const increment = Math.max(0, this.#percent - this.#shownPercent);
    this.#shownPercent += increment;
    this.#progress.report({ message: this.#message, increment });
  }
}
