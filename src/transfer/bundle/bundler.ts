/**
 * Small files and directories of a copy, many in one request each. Where something may be there already, the receiver is
 * asked first (`compare`), so that no contents go over in vain. Several bundles are under way at once: one is written
 * while the next is sent and a third is read.
 */
import { MAX_BUNDLE_BYTES, type Reply } from '../../protocol/index.ts';
import { abortable } from '../../text/abort.ts';
import type { ConflictResolver } from '../conflictResolver.ts';
import type { CopyContext } from '../copyContext.ts';
import type { FileOutcome } from '../fileOutcome.ts';
import { joinGuestPath } from '../guestPath.ts';
import { bringUpToDate } from '../identical.ts';
import { isSlowLine } from '../lineSpeed.ts';
import { recordNotes, withNotes } from '../notes.ts';
import { endsCopy } from '../transferError.ts';
import { Batch } from './batch.ts';
import { sealStream } from './bundle.ts';
import type { BundleItem } from './bundleItem.ts';
import { BundlePut } from './bundlePut.ts';
import { fileRecord, parseRecordNumbers } from './bundleRecord.ts';
import { Stragglers } from './stragglers.ts';

/** Some tenths of a second in the guest, and half of what a receiver takes. */
const FAST_BUNDLE_BYTES = MAX_BUNDLE_BYTES / 2;
/** What a broken-off copy loses at most: less than a second of a serial line. */
const SLOW_BUNDLE_BYTES = 128 * 1_024;
/** Unanswered ones; with the few puts beside them they stay below the receiver's `streams`. */
const BUNDLES_AT_ONCE = 4;

export class Bundler {
  readonly #context: CopyContext;
  readonly #conflicts: ConflictResolver;
  /** The directory in the guest that all names are relative to. */
  readonly #directory: string;
  readonly #contents: Batch;
  readonly #questions: Batch;
  readonly #underWay = new Set<Promise<void>>();
  readonly #stragglers = new Stragglers();
  /** Resolve when the last bundle but one, and the last, are queued: they go in order. */
  #queued: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];

  #abandoned: { error: unknown } | undefined;

  constructor(context: CopyContext, conflicts: ConflictResolver, directory: string) {
    this.#context = context;
    this.#conflicts = conflicts;
    this.#directory = directory;
    const isSlow = isSlowLine(context.session.welcome.device);
    const maxBytes = isSlow ? SLOW_BUNDLE_BYTES : FAST_BUNDLE_BYTES;
    this.#contents = new Batch(maxBytes, true);
    this.#questions = new Batch(maxBytes, false);
  }

  /** Resolves when there is room for the next one. */
  async add(item: BundleItem): Promise<void> {
    this.#addTo(item.isNew ? this.#contents : this.#questions, item);
    while (this.#underWay.size >= BUNDLES_AT_ONCE) await Promise.race(this.#underWay);
  }

  /** Resolves when a request can follow that needs the directory of this path. */
  async makeWayTo(path: string): Promise<void> {
    if (this.#contents.makesParentOf(path)) this.#send(this.#contents);
    await this.#queued[1];
  }

  /** Resolves when everything is answered. */
  async flush(): Promise<void> {
    for (;;) {
      this.#send(this.#questions);
      if (this.#underWay.size === 0) this.#send(this.#contents);
      if (this.#underWay.size === 0) return;
      await Promise.race(this.#underWay);
    }
  }

  /** Nothing more is sent; what waited to be fails. */
  abandon(error: unknown): void {
    this.#abandoned = { error };
    for (const batch of [this.#contents, this.#questions]) for (const item of batch.take()) item.fail(error);
  }

  #addTo(batch: Batch, item: BundleItem): void {
    if (!batch.fits(item)) this.#send(batch);
    if (this.#abandoned) item.fail(this.#abandoned.error);
    else batch.add(item);
  }

  #send(batch: Batch): void {
    if (batch.isEmpty) return;
    const items = batch.take();
    const work = batch === this.#questions ? this.#ask(items) : this.#sendContents(items);
    const over: Promise<void> = work
      .catch(error => this.#settleFailed(items, error))
      .finally(() => this.#underWay.delete(over));
    this.#underWay.add(over);
  }

  async #ask(items: BundleItem[]): Promise<void> {
    if (items.length === 1) return this.#stragglers.run(items);
    const stream = Buffer.concat(items.map(({ name, entry }) => fileRecord(name, entry.info)));
    const sealed = await sealStream(this.#context.streams, stream);
    const request = { verb: 'compare', fields: { path: this.#directory }, sealed, fileBytes: 0 } as const;
    const reply = await new BundlePut(this.#context, request).run();
    const absent = parseRecordNumbers(reply.get('absent'), items.length);
    const unchanged = parseRecordNumbers(reply.get('unchanged'), items.length);
    const lacking = parseRecordNumbers(reply.get('lacks-execute'), items.length);
    const replaces = this.#conflicts.wirePolicy === 'overwrite';
    const brought: Promise<void>[] = [];
    const separate = items.filter((item, number) => {
      if (item.skipsUnchanged && unchanged.has(number)) {
        const outcome = this.#unchangedOutcome(item, reply);
        if (lacking.has(number)) brought.push(this.#addExecute(item, outcome));
        else item.done(outcome);
      } else if (replaces || absent.has(number)) this.#addTo(this.#contents, item);
      else return true;
      return false;
    });
    await Promise.all(brought);
    await this.#stragglers.run(separate);
  }

  /** Nothing of its mode is known but that it lacks some. */
  async #addExecute(item: BundleItem, outcome: FileOutcome): Promise<void> {
    const { session, options } = this.#context;
    const { info } = item.entry;
    const known = { session, path: item.path, info, policy: this.#conflicts.wirePolicy };
    try {
      const notes = await abortable(bringUpToDate(known, '0', undefined), options.signal);
      item.done({ ...outcome, ...notes });
    } catch (error) {
      item.fail(error);
    }
  }

  async #sendContents(items: BundleItem[]): Promise<void> {
    if (items.length === 1 && items[0]?.kind === 'file') return this.#stragglers.run(items);
    const [lastButOne, last] = this.#queued;
    const queued = Promise.withResolvers<void>();
    this.#queued = [last, queued.promise];
    try {
      // Not too far ahead: what is read is held until it is acknowledged.
      await lastButOne;
      await this.#sendTogether(items, last, queued.resolve);
    } finally {
      queued.resolve();
    }
  }

  async #sendTogether(items: BundleItem[], turn: Promise<void>, onQueued: () => void): Promise<void> {
    const { bundles, options } = this.#context;
    const { sealed, parts, fileBytes } = await abortable(bundles.make(items), options.signal);
    const leftOut = items.filter((_, index) => parts[index] === 'left out');
    if (sealed.bytes === 0) return this.#stragglers.run(leftOut);
    const conflict = this.#conflicts.wirePolicy === 'overwrite' ? 'overwrite' : 'fail';
    const fields = { path: this.#directory, conflict };
    const request = { verb: 'bundle', fields, sealed, fileBytes } as const;
    const reply = await new BundlePut(this.#context, request).run(turn, onQueued);
    const sent = [...items.entries()].filter(([index]) => parts[index] !== 'left out');
    const left = parseRecordNumbers(reply.get('left'), sent.length);
    const notesOf = recordNotes(reply, sent.length);
    for (const [number, [index, item]] of sent.entries()) {
      const part = parts[index];
      const notes = withNotes(notesOf(number));
      if (left.has(number)) leftOut.push(item);
      else if (typeof part === 'object')
        item.done({ ...this.#sentOutcome(item, part.sha256, reply), ...notes });
      else {
        item.done(undefined);
        if (notes.notes) item.noted?.(notes.notes);
      }
    }
    await this.#stragglers.run(leftOut);
  }

  #sentOutcome(item: BundleItem, sha256: string, reply: Reply): FileOutcome {
    const destination = this.#destination(item, reply);
    return { destination, bytes: item.entry.info.size, sha256, verified: true, skipped: false };
  }

  /** As `skippedOutcome` has it for a put. */
  #unchangedOutcome(item: BundleItem, reply: Reply): FileOutcome {
    const destination = this.#destination(item, reply);
    return { destination, bytes: 0, sha256: null, verified: false, skipped: true, unchanged: true };
  }

  #destination({ name, path }: BundleItem, reply: Reply): string {
    const { session } = this.#context;
    const directory = reply.get('path');
    if (directory === undefined) return path;
    const below = name.toString().split('/');
    return below.reduce((parent, part) => joinGuestPath(session, parent, part), directory);
  }

  /** A bundle that was refused as a whole: each request of its own says why. */
  #settleFailed(items: readonly BundleItem[], error: unknown): Promise<void> | undefined {
    if (!endsCopy(error)) return this.#stragglers.run(items);
    for (const item of items) item.fail(error);
    return undefined;
  }
}
