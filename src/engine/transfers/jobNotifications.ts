/** Which notifications a job gets, and when: no more than one at a time, and none for what is over in a moment. */
import { type Job, jobKey, jobOf, jobsOf } from './jobs.ts';
import { type CopySummary, isFinished } from './transfer.ts';
import type { TransferList } from './transferList.ts';

/** The setting `guestwire.notifications`. */
export type NotificationChoice = 'always' | 'failures' | 'never';

export interface ProgressBar {
  show(job: Job): void;
  end(): void;
}

export interface JobNotificationsParts {
  readonly transfers: TransferList;
  /** Asked each time, because it may change. */
  readonly choice: () => NotificationChoice;
  readonly openBar: (job: Job, cancel: () => void) => ProgressBar;
  readonly announce: (job: Job) => void;
}

/** Who copies a small file looks at the guest next, and not at a notification: the status bar tells the result. */
const QUICK_MS = 1_000;
/** VS Code shows progress for at least 800 ms, and its last numbers would stand beside the result. */
const SHORTEST_BAR_MS = 900;

/** Follows every job, from when it's queued until it has ended. */
export class JobNotifications {
  readonly #parts: JobNotificationsParts;
  readonly #running = new Map<string, JobNotification>();
  readonly #stop: () => void;

  constructor(parts: JobNotificationsParts) {
    this.#parts = parts;
    const { transfers } = parts;
    this.#stop = transfers.changes.on(({ id, kind }) => {
      const { all } = transfers;
      const changed = id === undefined ? undefined : transfers.get(id);
      // A new one is told of with the list: what comes back by its state is tried again.
      for (const job of changed ? [jobOf(all, changed)] : jobsOf(all)) this.#follow(job, kind === 'state');
    });
  }

  dispose(): void {
    this.#stop();
    for (const one of this.#running.values()) one.dispose();
  }

  #follow(job: Job, isRetry: boolean): void {
    const key = jobKey(job[0]);
    const known = this.#running.get(key);
    if (job.every(({ state }) => isFinished(state))) {
      this.#running.delete(key);
      known?.end(job);
    } else if (known) known.show(job);
    else this.#running.set(key, new JobNotification(job, isRetry, this.#parts));
  }
}

/** One job's. */
class JobNotification {
  readonly #parts: JobNotificationsParts;
  #job: Job;
  #bar: ProgressBar | undefined;
  #openedAt = 0;
  /** Of what failed before, the user hears how it ends, however quickly. */
  #isQuick: boolean;
  #timer: NodeJS.Timeout;

  constructor(job: Job, isRetry: boolean, parts: JobNotificationsParts) {
    this.#job = job;
    this.#isQuick = !isRetry;
    this.#parts = parts;
    this.#timer = setTimeout(() => this.#open(), QUICK_MS);
  }

  show(job: Job): void {
    this.#job = job;
    this.#bar?.show(job);
  }

  /** The result follows when the progress is out of sight. */
  end(job: Job): void {
    const { announce, choice } = this.#parts;
    this.dispose();
    if (!isWorthTelling(job, choice(), this.#isQuick)) return;
    const lingersMs = this.#bar ? this.#openedAt + SHORTEST_BAR_MS - performance.now() : 0;
    if (lingersMs > 0) this.#timer = setTimeout(() => announce(job), lingersMs);
    else announce(job);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#bar?.end();
  }

  #open(): void {
    this.#isQuick = false;
    if (this.#parts.choice() !== 'always') return;
    const cancel = () => {
      for (const { id } of this.#job) this.#parts.transfers.cancel(id);
    };
    this.#openedAt = performance.now();
    this.#bar = this.#parts.openBar(this.#job, cancel);
    this.#bar.show(this.#job);
  }
}

/** Nothing is said of what the user cancelled; of a quick copy only what isn't as expected. */
function isWorthTelling(job: Job, choice: NotificationChoice, isQuick: boolean): boolean {
  if (choice === 'never' || job.every(({ state }) => state === 'cancelled')) return false;
  if (job.some(({ state }) => state === 'failed')) return true;
  if (choice === 'failures') return false;
  return !isQuick || job.some(({ outcome }) => outcome && isUnexpected(outcome));
}

function isUnexpected({ files, skipped, grown = [] }: CopySummary): boolean {
  return files === 0 || skipped > 0 || grown.length > 0;
}
