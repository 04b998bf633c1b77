/** One copy at work: walks the sources, makes directories, sends files one behind the other without waiting for each answer. */
import { throwIfAborted } from '../text/abort.ts';
import { type BundleItem, canBundle, goesInBundle, isSentUnasked } from './bundle/bundleItem.ts';
import { Bundler } from './bundle/bundler.ts';
import { ConflictResolver } from './conflictResolver.ts';
import type { CopyContext } from './copyContext.ts';
import type { Destination } from './destination.ts';
import { type CopyTask, FileCopier, justMadeError } from './fileCopier.ts';
import type { FileOutcome } from './fileOutcome.ts';
import { FileResults } from './fileResults.ts';
import { GuestDirectories, type GuestDirectory } from './guestDirectories.ts';
import { directoryOf, type LocatedItem, locate } from './locatedItem.ts';
import { skipsUnchanged } from './putPlan.ts';
import { readAhead } from './readAhead.ts';
import { SMALL_FILE_BYTES } from './sourceStreams.ts';
import { contentBytes, type SourceEntry, type WalkItem, walkSource } from './sourceTree.ts';
import { type Claim, TakenNames } from './takenNames.ts';
import { TransferError } from './transferError.ts';
import type { CopyResult } from './types.ts';

/** Small files that are read and sent at once; more would only wait for the guest. */
const SMALL_FILES_AT_ONCE = 8;

/**
 * What is walked before its turn comes, so that a folder's answer is there when the copy gets to it. Not much more: the
 * longer ago a file was looked at, the less that says of it.
 */
const AHEAD_ITEMS = 1_024;
const AHEAD_BYTES = 4 << 20;

interface JobTask extends CopyTask {
  readonly claim: Claim | undefined;
}

export class CopyJob {
  readonly #context: CopyContext;
  readonly #destination: Destination;
  readonly #conflicts: ConflictResolver;
  readonly #copier: FileCopier;
  /** Where the receiver takes small files together. */
  readonly #bundler: Bundler | undefined;
  readonly #directories: GuestDirectories;
  readonly #results: FileResults;
  readonly #names: TakenNames;
  /** Files that are still being read. */
  readonly #preparing = new Set<Promise<void>>();

  /** @param merged - as `findMergedNames` gives them */
  constructor(context: CopyContext, destination: Destination, merged: ReadonlySet<string>) {
    this.#context = context;
    this.#destination = destination;
    this.#names = new TakenNames(context.session, merged);
    this.#results = new FileResults(context.tracker);
    this.#conflicts = new ConflictResolver(context.options);
    const isDevice = destination.kind === 'device';
    this.#copier = new FileCopier(context, this.#conflicts, !isDevice);
    const takesBundles = !isDevice && canBundle(context.session.welcome);
    this.#bundler = takesBundles ? new Bundler(context, this.#conflicts, destination.path) : undefined;
    this.#directories = new GuestDirectories(context, this.#bundler, {
      failed: ({ entry, path }, error) => this.#results.failed(entry.source, path, error),
      noted: ({ entry, path }, notes) => this.#results.notedFolder(entry.source, path, notes),
      ended: error => this.#results.end(error),
    });
  }

  async run(sources: readonly string[]): Promise<CopyResult> {
    const { tracker, options } = this.#context;
    const counting = this.#count(sources);
    tracker.start();
    try {
      for (const [number, source] of sources.entries()) await this.#copySource(source, number);
      await this.#allAnswered();
      await this.#directories.finish();
      this.#results.throwIfOver();
      await counting;
      return this.#result();
    } catch (error) {
      this.#directories.abandon();
      this.#bundler?.abandon(error);
      await this.#results.allAnswered();
      options.onInterrupted?.(this.#result());
      throw error;
    } finally {
      tracker.stop();
      await counting;
    }
  }

  async #allAnswered(): Promise<void> {
    await this.#bundler?.flush();
    await this.#results.allAnswered();
    this.#throwIfOver();
  }

  #throwIfOver(): void {
    throwIfAborted(this.#context.options.signal);
    this.#results.throwIfOver();
  }

  #result(): CopyResult {
    const { tracker, session, leftovers } = this.#context;
    const { files, folders } = this.#results;
    const { seconds, wireBytes } = tracker;
    const bytes = files.reduce((sum, file) => sum + (file.skipped ? 0 : file.bytes), 0);
    return {
      ...{ files, bytes, wireBytes, seconds },
      ...(folders && { folders }),
      bytesPerSecond: bytes / seconds,
      resumedFrom: tracker.resumedBytes,
      lanes: session.lanes,
      leftovers: [...leftovers],
      folder: this.#destination.folder,
    };
  }

  /**
   * Counts files and bytes beside the copying, so that it need not wait for a large tree to be listed. A walk of its own:
   * the copy's is only some items ahead of what is sent, which would make totals known when they no longer matter, and
   * whoever listed all first would hold the tree in memory and send files by what they were long ago.
   */
  async #count(sources: readonly string[]): Promise<void> {
    const { tracker, streams, options } = this.#context;
    for (const source of sources) {
      for await (const item of walkSource(streams.system, source)) {
        if (this.#results.areOver || options.signal?.aborted) return;
        if (item.kind !== 'entry' || item.entry.info.type === 'directory') continue;
        tracker.filesTotal += 1;
        tracker.bytesTotal += contentBytes(item.entry);
      }
    }
    tracker.counted = true;
  }

  async #copySource(source: string, number: number): Promise<void> {
    const { session, streams } = this.#context;
    // Whatever it merges with must be in the guest by now, or known not to be.
    if (this.#names.isMerged(streams.system.baseName(source))) await this.#allAnswered();
    const located = (item: WalkItem) => locate(session, item, this.#destination);
    const descend = (entry: SourceEntry) =>
      !this.#directories.isRefused(located({ kind: 'entry', entry }).path);
    const items = readAhead<WalkItem, LocatedItem>(walkSource(streams.system, source, descend), {
      maxItems: AHEAD_ITEMS,
      maxWeight: AHEAD_BYTES,
      weightOf: ({ item }) => (item.kind === 'entry' ? contentBytes(item.entry) : 0),
      onKnown: item => this.#prepared(located(item), number),
    });
    for await (const item of items) {
      this.#throwIfOver();
      await this.#copyItem(item);
    }
  }

  /** Its turn comes later; what takes a while is begun. */
  #prepared(located: LocatedItem, source: number): LocatedItem {
    const { item, below, parent, isBadName } = located;
    if (item.kind === 'unreadable' || isBadName || this.#destination.kind === 'device') return located;
    const directory = directoryOf(located);
    const claim =
      parent === undefined ? undefined : this.#names.claim(below, directory !== undefined, source);
    if (directory && claim?.isBlocked) this.#directories.refuseWithParent(directory);
    else if (directory) this.#directories.prepare(directory);
    return { ...located, claim };
  }

  async #copyItem(located: LocatedItem): Promise<void> {
    const { item, path, parent } = located;
    const directory = directoryOf(located);
    // It was listed before its directory's answer came.
    if (parent !== undefined && this.#directories.isRefused(parent))
      return directory && this.#directories.refuseWithParent(directory);
    if (item.kind === 'unreadable') {
      if (!this.#directories.isRefused(path)) this.#results.failed(item.source, path, item.error);
      return;
    }
    const { source } = item.entry;
    const problem = problemOf(item.entry, located);
    if (problem) return this.#results.failed(source, path, problem);
    if (directory && located.claim?.isBlocked)
      return this.#directories.refuse(directory, justMadeError(path));
    if (directory) return this.#makeDirectory(directory);
    this.#context.tracker.file = source;
    await this.#copyEntry(item.entry, located);
  }

  async #makeDirectory(directory: GuestDirectory): Promise<void> {
    if (this.#destination.kind !== 'device') return this.#directories.make(directory);
    const { path } = directory;
    const error = new TransferError('not-a-directory', "a folder can't be copied to a device", path);
    this.#directories.refuse(directory, error);
  }

  /** A file or a symbolic link. */
  async #copyEntry(entry: SourceEntry, located: LocatedItem): Promise<void> {
    const { below, path, parent, claim } = located;
    const { info } = entry;
    const isJustMade = await this.#isJustMade(claim);
    const place = parent === undefined || isJustMade ? 'named' : this.#directories.placeIn(parent);
    const task: JobTask = { entry, path, place, isJustMade, claim };
    const isNamedFile = below.length > 0 && info.type === 'file' && !isJustMade;
    if (this.#bundler && isNamedFile && goesInBundle(info, place, this.#context.options))
      return this.#bundler.add(this.#bundledFile(task, located));
    await this.#bundler?.makeWayTo(path);
    if (info.type === 'symlink') void this.#track(task, this.#copier.copyLink(task));
    else await this.#copyFile(task);
  }

  /** Whether this copy has put something else there, which its answer tells. */
  async #isJustMade(claim: Claim | undefined): Promise<boolean> {
    if (!claim?.isSecond || claim.name.isDirectory) return false;
    if (claim.name.isThere === undefined) await this.#allAnswered();
    return claim.name.isThere === true;
  }

  #track({ entry, path, claim }: JobTask, outcome: Promise<FileOutcome | undefined>): Promise<void> {
    const followed = claim ? this.#names.follow(claim, path, outcome) : outcome;
    return this.#results.track(entry, path, followed);
  }

  #bundledFile(task: JobTask, { below, parent }: LocatedItem): BundleItem {
    const { entry, path, place } = task;
    const { promise, resolve, reject } = Promise.withResolvers<FileOutcome | undefined>();
    const answered = this.#track(task, promise);
    const done = (outcome: FileOutcome | undefined) => {
      resolve(outcome);
      this.#context.streams.finished(entry.source);
    };
    return {
      ...{ kind: 'file', entry, path, name: Buffer.from(below.join('/')) },
      isNew: isSentUnasked(place, this.#conflicts.wirePolicy),
      skipsUnchanged: skipsUnchanged(place, this.#conflicts.wirePolicy),
      done,
      sendSeparately: () => {
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
  async #copyFile(task: JobTask): Promise<void> {
    const { promise: queued, resolve } = Promise.withResolvers<void>();
    const answered = this.#track(task, this.#copier.copyFile(task, resolve));
    const ready = Promise.race([queued, answered]).finally(() => this.#preparing.delete(ready));
    this.#preparing.add(ready);
    if (task.entry.info.size > SMALL_FILE_BYTES) await ready;
    else if (this.#preparing.size >= SMALL_FILES_AT_ONCE) await Promise.race(this.#preparing);
  }
}

/** Why it can't be copied at all, as far as the host can tell. */
function problemOf({ source, info }: SourceEntry, { isBadName }: LocatedItem): TransferError | undefined {
  if (isBadName) return new TransferError('bad-name', 'the name has a path separator of the guest', source);
  if (info.type === 'special') return new TransferError('source-special', 'not a file or folder', source);
  return undefined;
}
