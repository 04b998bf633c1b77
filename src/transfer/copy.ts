/** A copy: walks the sources, makes directories, sends files one behind the other without waiting for each answer. */
import { isProtocolError, isRemoteError, type Session } from '../protocol/index.ts';
import { isAborted, throwIfAborted } from '../text/abort.ts';
import type { BundleItem } from './bundle/bundleItem.ts';
import { canBundle, goesInBundle, isSentUnasked } from './bundle/bundlePlan.ts';
import { Bundler } from './bundle/bundler.ts';
import { ConflictResolver } from './conflictResolver.ts';
import { type Destination, resolveDestination } from './destination.ts';
import { type CopyTask, FileCopier } from './fileCopier.ts';
import type { PutContext } from './filePut.ts';
import { FileSender } from './fileSender.ts';
import { GuestDirectories, type GuestDirectory } from './guestDirectories.ts';
import { directoryOf, type LocatedItem, locate } from './locatedItem.ts';
import type { Outcome } from './outcome.ts';
import { ProgressTracker } from './progressTracker.ts';
import { skipsUnchanged } from './putPlan.ts';
import { readAhead } from './readAhead.ts';
import { SMALL_FILE_BYTES, SourceStreams } from './sourceStreams.ts';
import { localDisk, type SourceSystem } from './sourceSystem.ts';
import { type SourceEntry, type WalkItem, walkSource } from './sourceTree.ts';
import { endsCopy, TransferError } from './transferError.ts';
import type { CopyOptions, CopyResult, FileResult } from './types.ts';

/** Small files that are read and sent at once; more would only wait for the guest. */
const SMALL_FILES_AT_ONCE = 8;

/**
 * What is walked before its turn comes, so that a folder's answer is there when the copy gets to it. Not much more: the
 * longer ago a file was looked at, the less that says of it.
 */
const AHEAD_ITEMS = 1_024;
const AHEAD_BYTES = 4 << 20;

/**
 * Copies files and folders into the guest behind the session.
 *
 * What concerns one file stands in its FileResult and does not stop the others.
 *
 * @param destination - path in the guest: an existing directory takes the sources' base names, a character device is
 * written straight, anything else is the name of the single source's copy
 * @throws TransferError or RemoteError when the destination cannot take anything, ProtocolError when the session ends,
 * an AbortError after the signal
 */
export function copy(
  session: Session,
  sources: readonly string[],
  destination: string,
  options: CopyOptions,
): Promise<CopyResult> {
  const streams = new SourceStreams(
    session,
    options.sourceSystem ?? localDisk,
    options.compression ?? 'auto',
  );
  return copyWith(streams, session, sources, destination, options);
}

/** The same, with sources that may be shared with copies to other guests. */
export async function copyWith(
  streams: SourceStreams,
  session: Session,
  sources: readonly string[],
  destination: string,
  options: CopyOptions,
): Promise<CopyResult> {
  try {
    return await new CopyJob(session, streams, options).run(sources, destination);
  } finally {
    streams.close();
  }
}

class CopyJob {
  readonly #session: Session;
  readonly #signal: AbortSignal | undefined;
  readonly #system: SourceSystem;
  readonly #context: PutContext;
  readonly #conflicts: ConflictResolver;
  readonly #copier: FileCopier;
  /** Where the receiver takes small files together. */
  #bundler: Bundler | undefined;
  #directories!: GuestDirectories;
  readonly #tracker: ProgressTracker;
  readonly #onInterrupted: CopyOptions['onInterrupted'];
  readonly #wireBytesBefore: number;
  readonly #startedAt = performance.now();
  readonly #results = new Set<FileResult>();
  readonly #unanswered = new Set<Promise<void>>();
  /** Files that are still being read. */
  readonly #preparing = new Set<Promise<void>>();
  /** What ends the whole copy: the session's end or the user's cancellation. */
  #fatal: Error | undefined;

  constructor(session: Session, streams: SourceStreams, options: CopyOptions) {
    this.#session = session;
    this.#wireBytesBefore = session.wireBytes;
    this.#onInterrupted = options.onInterrupted;
    this.#signal = options.signal;
    this.#system = streams.system;
    this.#tracker = new ProgressTracker(() => session.wireBytes - this.#wireBytesBefore, options.onProgress);
    const sender = new FileSender(session, streams.policy, options.signal);
    this.#context = { session, streams, sender, tracker: this.#tracker, options };
    this.#conflicts = new ConflictResolver(options);
    this.#copier = new FileCopier(this.#context, this.#conflicts);
  }

  async run(sources: readonly string[], outPath: string): Promise<CopyResult> {
    throwIfAborted(this.#signal);
    const destination = await resolveDestination(this.#session, outPath, sources.length);
    this.#prepare(destination);
    const counting = this.#count(sources);
    this.#tracker.start();
    try {
      for (const source of sources) await this.#copySource(source, destination);
      await this.#bundler?.flush();
      await this.#allAnswered();
      await this.#directories.finish();
      if (this.#fatal) throw this.#fatal;
      await counting;
      return this.#result();
    } catch (error) {
      this.#directories.abandon();
      this.#bundler?.abandon(error);
      await Promise.all(this.#unanswered);
      this.#onInterrupted?.(this.#result());
      throw error;
    } finally {
      this.#tracker.stop();
      await counting;
    }
  }

  #prepare({ kind, path }: Destination): void {
    if (kind !== 'device' && canBundle(this.#session.welcome))
      this.#bundler = new Bundler(this.#context, this.#conflicts, path);
    this.#directories = new GuestDirectories(this.#context, this.#bundler, {
      failed: (directory, error) => this.#failed(directory.entry.source, directory.path, error),
      ended: error => {
        this.#fatal ??= error;
      },
    });
  }

  #result(): CopyResult {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    const files = [...this.#results];
    const bytes = files.reduce((sum, file) => sum + (file.skipped ? 0 : file.bytes), 0);
    return {
      files,
      bytes,
      wireBytes: this.#session.wireBytes - this.#wireBytesBefore,
      seconds,
      bytesPerSecond: bytes / seconds,
      resumedFrom: this.#tracker.resumedBytes,
      lanes: this.#session.lanes,
    };
  }

  /** Counts files and bytes beside the copying, so that it need not wait for a large tree to be listed. */
  async #count(sources: readonly string[]): Promise<void> {
    for (const source of sources) {
      for await (const item of walkSource(this.#system, source)) {
        if (this.#fatal || this.#signal?.aborted) return;
        if (item.kind !== 'entry' || item.entry.info.type === 'directory') continue;
        this.#tracker.filesTotal += 1;
        this.#tracker.bytesTotal += contentBytes(item.entry);
      }
    }
    this.#tracker.counted = true;
  }

  async #copySource(source: string, destination: Destination): Promise<void> {
    const located = (item: WalkItem) => locate(this.#session, item, destination);
    const descend = (entry: SourceEntry) =>
      !this.#directories.isRefused(located({ kind: 'entry', entry }).path);
    const items = readAhead<WalkItem, LocatedItem>(walkSource(this.#system, source, descend), {
      maxItems: AHEAD_ITEMS,
      maxWeight: AHEAD_BYTES,
      weightOf: ({ item }) => (item.kind === 'entry' ? contentBytes(item.entry) : 0),
      onKnown: item => this.#prepared(located(item), destination),
    });
    for await (const item of items) {
      throwIfAborted(this.#signal);
      if (this.#fatal) throw this.#fatal;
      await this.#copyItem(item, destination);
    }
  }

  /** Its turn comes later; what takes a while is begun. */
  #prepared(located: LocatedItem, { kind }: Destination): LocatedItem {
    const directory = directoryOf(located);
    if (directory && !located.isBadName && kind !== 'device') this.#directories.prepare(directory);
    return located;
  }

  async #copyItem(located: LocatedItem, destination: Destination): Promise<void> {
    const { item, below, path, parent, isBadName } = located;
    const directory = directoryOf(located);
    // It was listed before its directory's answer came.
    if (parent !== undefined && this.#directories.isRefused(parent))
      return directory && this.#directories.refuseWithParent(directory);
    if (item.kind === 'unreadable') {
      if (!this.#directories.isRefused(path)) this.#failed(item.source, path, item.error);
      return;
    }
    const { entry } = item;
    const { source, info } = entry;
    if (isBadName)
      return this.#failed(
        source,
        path,
        new TransferError('bad-name', 'the name has a path separator of the guest', source),
      );
    if (directory) return this.#makeDirectory(directory, destination);
    if (info.type === 'special')
      return this.#failed(source, path, new TransferError('source-special', 'not a file or folder', source));
    this.#tracker.file = source;
    const place = parent === undefined ? 'named' : this.#directories.placeIn(parent);
    const task: CopyTask = { entry, path, place };
    const isNamedFile = below.length > 0 && info.type === 'file';
    if (this.#bundler && isNamedFile && goesInBundle(info, place, this.#context.options))
      return this.#bundler.add(this.#bundledFile(task, located));
    await this.#bundler?.makeWayTo(path);
    if (info.type === 'symlink') void this.#track(entry, path, this.#copier.copyLink(task));
    else await this.#copyFile(task);
  }

  async #makeDirectory(directory: GuestDirectory, { kind }: Destination): Promise<void> {
    if (kind !== 'device') return this.#directories.make(directory);
    const { path } = directory;
    const error = new TransferError('not-a-directory', 'a folder cannot be copied to a device', path);
    this.#directories.refuse(directory, error);
  }

  #bundledFile(task: CopyTask, { below, parent }: LocatedItem): BundleItem {
    const { entry, path, place } = task;
    const { promise, resolve, reject } = Promise.withResolvers<Outcome | undefined>();
    const answered = this.#track(entry, path, promise);
    const done = (outcome: Outcome | undefined) => {
      resolve(outcome);
      this.#context.streams.finished(entry.source);
    };
    return {
      ...{ kind: 'file', entry, path, name: Buffer.from(below.join('/')) },
      isNew: isSentUnasked(place, this.#conflicts.wirePolicy),
      skipsUnchanged: skipsUnchanged(place, this.#conflicts.wirePolicy),
      done,
      alone: () => {
        if (parent !== undefined && this.#directories.isRefused(parent)) done(undefined);
        else resolve(this.#copier.copyFile(task, () => undefined));
        return answered;
      },
      fail: reject,
    };
  }

  /**
   * Resolves when the next file may begin: a large one has the line to itself until its last byte is queued, small ones
   * are read and sent side by side. Answers are awaited beside what follows.
   */
  async #copyFile(task: CopyTask): Promise<void> {
    const { promise: queued, resolve } = Promise.withResolvers<void>();
    const answered = this.#track(task.entry, task.path, this.#copier.copyFile(task, resolve));
    const ready = Promise.race([queued, answered]).finally(() => this.#preparing.delete(ready));
    this.#preparing.add(ready);
    if (task.entry.info.size > SMALL_FILE_BYTES) await ready;
    else if (this.#preparing.size >= SMALL_FILES_AT_ONCE) await Promise.race(this.#preparing);
  }

  /**
   * Keeps the promise until it is answered and turns its outcome into a result, in the order of the sources; without
   * an outcome there is none, for its directory's says all.
   */
  #track(entry: SourceEntry, path: string, outcome: Promise<Outcome | undefined>): Promise<void> {
    const result = this.#addResult(entry.source, path);
    const answered = outcome
      .then(
        done => {
          if (done) Object.assign(result, done);
          else this.#results.delete(result);
          if (!done || done.skipped) this.#tracker.bytesTotal -= contentBytes(entry);
        },
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

  #failed(source: string, path: string, error: unknown): void {
    this.#note(this.#addResult(source, path), error);
  }

  #addResult(source: string, destination: string): FileResult {
    const result = { source, destination, bytes: 0, sha256: null, verified: false, skipped: false };
    this.#results.add(result);
    return result;
  }

  #note(result: FileResult, error: unknown): void {
    if (endsCopy(error)) this.#fatal ??= error;
    result.error = describe(error);
  }

  async #allAnswered(): Promise<void> {
    await Promise.all(this.#unanswered);
    throwIfAborted(this.#signal);
    if (this.#fatal) throw this.#fatal;
  }
}

function contentBytes(entry: SourceEntry): number {
  return entry.info.type === 'file' ? entry.info.size : 0;
}

function describe(error: unknown): { code: string; message: string } {
  if (isAborted(error)) return { code: 'aborted', message: error.message };
  if (isRemoteError(error) || isProtocolError(error) || error instanceof TransferError) {
    return { code: error.code, message: error.message };
  }
  if (error instanceof RangeError) return { code: 'name-too-long', message: 'the path is too long' };
  const { code, message } = error as NodeJS.ErrnoException;
  return { code: code ?? 'internal', message };
}
