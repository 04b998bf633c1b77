/** What becomes of a copy's files: one result each, in the order of the sources, and what ends the copy as a whole. */
import { isProtocolError, isRemoteError } from '../protocol/index.ts';
import { isAborted } from '../text/abort.ts';
import type { FileOutcome } from './fileOutcome.ts';
import type { ProgressTracker } from './progressTracker.ts';
import { contentBytes, type SourceEntry } from './sourceTree.ts';
import { endsCopy, TransferError } from './transferError.ts';
import type { FileFailure, FileResult, FolderNotes } from './types.ts';

export class FileResults {
  readonly #tracker: ProgressTracker;
  /** In the order in which their turn came, which is that of the sources; answers come in any order. */
  readonly #results = new Set<FileResult>();
  readonly #unanswered = new Set<Promise<void>>();
  /** Of folders, by path in the guest. */
  readonly #folders = new Map<string, FolderNotes>();
  #fatal: Error | undefined;

  constructor(tracker: ProgressTracker) {
    this.#tracker = tracker;
  }

  get files(): FileResult[] {
    return [...this.#results];
  }

  /** What folders could not get; undefined where that is nothing. */
  get folders(): FolderNotes[] | undefined {
    return this.#folders.size > 0 ? [...this.#folders.values()] : undefined;
  }

  /** Whether the session's end or the user's cancellation has come to light. */
  get areOver(): boolean {
    return this.#fatal !== undefined;
  }

  throwIfOver(): void {
    if (this.#fatal) throw this.#fatal;
  }

  end(error: Error): void {
    this.#fatal ??= error;
  }

  /** @returns a promise that resolves when the file is answered, and never rejects */
  track(entry: SourceEntry, path: string, outcome: Promise<FileOutcome | undefined>): Promise<void> {
    const result = this.#add(entry.source, path);
    if (entry.info.type === 'symlink') result.symlink = true;
    const answered = outcome
      .then(
        done => this.#onDone(entry, result, done),
        (error: unknown) => {
          this.#note(result, error);
          this.#tracker.bytesTotal -= contentBytes(entry);
        },
      )
      .finally(() => {
        this.#tracker.filesDone += 1;
        this.#unanswered.delete(answered);
      });
    this.#unanswered.add(answered);
    return answered;
  }

  notedFolder(source: string, destination: string, notes: readonly string[]): void {
    const before = this.#folders.get(destination)?.notes ?? [];
    this.#folders.set(destination, { source, destination, notes: [...new Set([...before, ...notes])] });
  }

  failed(source: string, path: string, error: unknown): void {
    this.#note(this.#add(source, path), error);
  }

  /** Never rejects. */
  async allAnswered(): Promise<void> {
    await Promise.all(this.#unanswered);
  }

  /** Without an outcome there is no result: its directory's says all. */
  #onDone(entry: SourceEntry, result: FileResult, done: FileOutcome | undefined): void {
    if (done) Object.assign(result, done);
    else this.#results.delete(result);
    if (!done || done.skipped) this.#tracker.bytesTotal -= contentBytes(entry);
  }

  #add(source: string, destination: string): FileResult {
    const result: FileResult = {
      source,
      destination,
      bytes: 0,
      sha256: null,
      verified: false,
      skipped: false,
    };
    this.#results.add(result);
    return result;
  }

  #note(result: FileResult, error: unknown): void {
    if (endsCopy(error)) this.end(error);
    result.error = describe(error);
  }
}

function describe(error: unknown): FileFailure {
  if (isAborted(error)) return { code: 'aborted', message: error.message };
  if (isRemoteError(error)) {
    const { code, message, details } = error;
    return { code, message, says: details.get('message') };
  }
  if (isProtocolError(error) || error instanceof TransferError) {
    return { code: error.code, message: error.message };
  }
  if (error instanceof RangeError) return { code: 'name-too-long', message: 'the path is too long' };
  const { code, message } = error as NodeJS.ErrnoException;
  return { code: code ?? 'internal', message };
}
