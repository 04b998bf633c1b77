/** The directories of a copy in the guest: made on the way, given their own mode and mtime when all is in them. */
import type { Reply } from '../protocol/index.ts';
import { abortable, abortError, throwIfAborted } from '../text/abort.ts';
import { modeField, mtimeField } from './attributes.ts';
import type { BundleItem } from './bundle/bundleItem.ts';
import { OWNER_ACCESS } from './bundle/bundleRecord.ts';
import type { Bundler } from './bundle/bundler.ts';
import type { CopyContext } from './copyContext.ts';
import { notesOf } from './notes.ts';
import type { Place } from './putPlan.ts';
import { Slots } from './slots.ts';
import type { SourceEntry } from './sourceTree.ts';
import { endsCopy } from './transferError.ts';

export interface GuestDirectory {
  readonly entry: SourceEntry;
  /** In the guest. */
  readonly path: string;
  /** The path of the copied folder that it is in; a folder that was named is in none. */
  readonly parent: string | undefined;
  /** Its own path below the copy's destination. */
  readonly below: readonly string[];
}

interface Listener {
  /** It can't be made, or can't be given its attributes. */
  failed(directory: GuestDirectory, error: unknown): void;
  /** It is there, but could not get all that it should have. */
  noted(directory: GuestDirectory, notes: readonly string[]): void;
  /** The copy as a whole is over. */
  ended(error: Error): void;
}

/** Requests that are under way at once; of the streams they leave enough to the files. */
const ASKED_AT_ONCE = 8;

export class GuestDirectories {
  readonly #context: CopyContext;
  readonly #bundler: Bundler | undefined;
  readonly #listener: Listener;
  #made: GuestDirectory[] = [];
  /** Were there before: what is in them may be there too. */
  readonly #old = new Set<string>();
  readonly #refused = new Set<string>();
  /** By path, of those whose turn has not come: the answer, or undefined where a bundle will make it. */
  readonly #ahead = new Map<string, Promise<Reply | undefined>>();
  readonly #slots: Slots;
  #isOver = false;

  constructor(context: CopyContext, bundler: Bundler | undefined, listener: Listener) {
    this.#context = context;
    this.#bundler = bundler;
    this.#listener = listener;
    this.#slots = new Slots(Math.min(ASKED_AT_ONCE, Math.ceil(context.session.welcome.streams / 2)));
  }

  /** @param parent - path in the guest of the copied folder that it is in */
  placeIn(parent: string): Place {
    return this.#old.has(parent) ? 'old' : 'new';
  }

  /** Nothing can be put there. */
  isRefused(path: string): boolean {
    return this.#refused.has(path);
  }

  refuse(directory: GuestDirectory, error: unknown): void {
    this.#refused.add(directory.path);
    this.#listener.failed(directory, error);
  }

  /** What is in a refused directory is refused with it: one report is enough. */
  refuseWithParent({ path }: GuestDirectory): void {
    this.#refused.add(path);
    this.#ahead.delete(path);
  }

  /**
   * Asks for it before its turn has come, so that a tree that is there already doesn't cost a round trip for each
   * directory. In the order of the walk: a request waits for the answer of the parent's.
   */
  prepare(directory: GuestDirectory): void {
    const { path, parent } = directory;
    if (parent !== undefined && this.isRefused(parent)) {
      this.refuseWithParent(directory);
      return;
    }
    // Another source of the same name may have fared otherwise.
    this.#refused.delete(path);
    const answer = this.#placeSoon(parent).then(place =>
      this.#goesInBundle(place) ? undefined : this.#slots.run(() => this.#mkdir(directory)),
    );
    // A failure is reported when the directory's turn comes, if it does.
    answer.catch(() => undefined);
    this.#ahead.set(path, answer);
  }

  /** Of one that was prepared. */
  async make(directory: GuestDirectory): Promise<void> {
    const { path } = directory;
    try {
      const reply = await this.#ahead.get(path);
      if (reply?.get('existed') === '1') this.#old.add(path);
      else this.#made.push(directory);
      // Nothing can be there yet, so nobody waits for the answer.
      if (!reply) await this.#bundler?.add(this.#newDirectory(directory));
    } catch (error) {
      this.refuse(directory, error);
    } finally {
      this.#ahead.delete(path);
    }
  }

  /** What was only prepared is not asked for any more. */
  abandon(): void {
    this.#isOver = true;
  }

  /** Innermost first: setting a parent's mtime must come after the last change below it. */
  async finish(): Promise<void> {
    for (const directory of this.#made.reverse()) {
      if (this.#bundler && directory.below.length > 0) await this.#bundler.add(this.#attributes(directory));
      else {
        await this.#bundler?.flush();
        await this.#setAttributes(directory);
      }
    }
    await this.#bundler?.flush();
  }

  /** As `placeIn` will have it, once the parent's answer is there; rejects if it is refused. */
  async #placeSoon(parent: string | undefined): Promise<Place> {
    if (parent === undefined) return 'named';
    const answer = this.#ahead.get(parent);
    if (!answer) return this.placeIn(parent);
    const reply = await answer;
    return reply?.get('existed') === '1' ? 'old' : 'new';
  }

  #goesInBundle(place: Place): boolean {
    return this.#bundler !== undefined && place === 'new';
  }

  #newDirectory(directory: GuestDirectory): BundleItem {
    return this.#item('directory', directory, () => this.#makeSeparately(directory));
  }

  async #makeSeparately(directory: GuestDirectory): Promise<void> {
    const { parent, path } = directory;
    if (parent !== undefined && this.isRefused(parent)) this.refuseWithParent(directory);
    else {
      await this.#mkdir(directory).catch(error => {
        this.#refused.add(path);
        this.#failed(directory, error);
      });
    }
    if (this.isRefused(path)) this.#made = this.#made.filter(other => other !== directory);
  }

  #attributes(directory: GuestDirectory): BundleItem {
    return this.#item('attributes', directory, () => this.#setAttributes(directory));
  }

  #item(
    kind: 'directory' | 'attributes',
    directory: GuestDirectory,
    sendSeparately: () => Promise<void>,
  ): BundleItem {
    const { entry, path, below } = directory;
    const name = Buffer.from(below.join('/'));
    return {
      ...{ kind, entry, path, name, sendSeparately },
      isNew: true,
      skipsUnchanged: false,
      done: () => undefined,
      noted: notes => this.#listener.noted(directory, notes),
      fail: error => {
        if (endsCopy(error)) this.#listener.ended(error);
      },
    };
  }

  async #mkdir(directory: GuestDirectory): Promise<Reply> {
    throwIfAborted(this.#context.options.signal);
    if (this.#isOver) throw abortError();
    const { path, entry } = directory;
    const reply = await this.#request('mkdir', { path, mode: modeField(entry.info, OWNER_ACCESS) });
    this.#note(directory, reply);
    return reply;
  }

  async #setAttributes(directory: GuestDirectory): Promise<void> {
    const { path, entry } = directory;
    const fields = { path, mode: modeField(entry.info), mtime: mtimeField(entry.info), refused: 'note' };
    await this.#request('attributes', fields).then(
      reply => this.#note(directory, reply),
      error => this.#failed(directory, error),
    );
  }

  #note(directory: GuestDirectory, reply: Reply): void {
    const { notes } = notesOf(reply);
    if (notes) this.#listener.noted(directory, notes);
  }

  #failed(directory: GuestDirectory, error: unknown): void {
    if (endsCopy(error)) this.#listener.ended(error);
    else this.#listener.failed(directory, error);
  }

  #request(verb: string, fields: Record<string, string | undefined>): Promise<Reply> {
    const { session, options } = this.#context;
    return abortable(session.request(verb, fields), options.signal);
  }
}
