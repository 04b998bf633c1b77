/** The directories of a copy in the guest: made on the way, given their own mode and mtime when all is in them. */
import { isProtocolError, type ProtocolError, type Reply } from '../protocol/index.ts';
import { abortable } from './abortable.ts';
import { modeField, mtimeField } from './attributes.ts';
import type { BundleItem } from './bundle/bundleItem.ts';
import { OWNER_ACCESS } from './bundle/bundleRecord.ts';
import type { Bundler } from './bundle/bundler.ts';
import type { PutContext } from './filePut.ts';
import type { Place } from './putPlan.ts';
import type { SourceEntry } from './sourceTree.ts';

export interface GuestDirectory {
  readonly entry: SourceEntry;
  /** In the guest. */
  readonly path: string;
  /** The same below the copy's destination. */
  readonly below: readonly string[];
}

interface Listener {
  /** It cannot be made, or not be given its attributes. */
  failed(directory: GuestDirectory, error: unknown): void;
  /** The copy as a whole is over. */
  ended(error: ProtocolError): void;
}

export class GuestDirectories {
  readonly #context: PutContext;
  readonly #bundler: Bundler | undefined;
  readonly #listener: Listener;
  #made: GuestDirectory[] = [];
  /** Were there before: what is in them may be there too. */
  readonly #old = new Set<string>();
  readonly #refused = new Set<SourceEntry>();

  constructor(context: PutContext, bundler: Bundler | undefined, listener: Listener) {
    this.#context = context;
    this.#bundler = bundler;
    this.#listener = listener;
  }

  /** @param parent - path in the guest of the copied folder that it is in */
  placeIn(parent: string): Place {
    return this.#old.has(parent) ? 'old' : 'new';
  }

  isRefused(entry: SourceEntry): boolean {
    return this.#refused.has(entry);
  }

  refuse(directory: GuestDirectory, error: unknown): void {
    this.#refused.add(directory.entry);
    this.#listener.failed(directory, error);
  }

  async make(directory: GuestDirectory, place: Place): Promise<void> {
    if (this.#bundler && place === 'new') {
      // Nothing can be there yet, so nobody waits for the answer.
      this.#made.push(directory);
      return this.#bundler.add(this.#newDirectory(directory));
    }
    try {
      const reply = await this.#mkdir(directory);
      if (reply.get('existed') === '1') this.#old.add(directory.path);
      else this.#made.push(directory);
    } catch (error) {
      this.refuse(directory, error);
    }
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

  #newDirectory(directory: GuestDirectory): BundleItem {
    const refused = (error: unknown) => {
      this.#made = this.#made.filter(other => other !== directory);
      this.#failed(directory, error);
    };
    const alone = () => this.#mkdir(directory).then(() => undefined, refused);
    return this.#item('directory', directory, alone);
  }

  #attributes(directory: GuestDirectory): BundleItem {
    return this.#item('attributes', directory, () => this.#setAttributes(directory));
  }

  #item(
    kind: 'directory' | 'attributes',
    { entry, path, below }: GuestDirectory,
    alone: () => Promise<void>,
  ): BundleItem {
    const name = Buffer.from(below.join('/'));
    return {
      ...{ kind, entry, path, name, alone },
      isNew: true,
      skipsUnchanged: false,
      done: () => undefined,
      fail: error => {
        if (isProtocolError(error)) this.#listener.ended(error);
      },
    };
  }

  #mkdir({ path, entry }: GuestDirectory): Promise<Reply> {
    return this.#request('mkdir', { path, mode: modeField(entry.info, OWNER_ACCESS) });
  }

  async #setAttributes(directory: GuestDirectory): Promise<void> {
    const { path, entry } = directory;
    const fields = { path, mode: modeField(entry.info), mtime: mtimeField(entry.info) };
    await this.#request('attributes', fields).catch(error => this.#failed(directory, error));
  }

  #failed(directory: GuestDirectory, error: unknown): void {
    if (isProtocolError(error)) this.#listener.ended(error);
    else this.#listener.failed(directory, error);
  }

  #request(verb: string, fields: Record<string, string | undefined>): Promise<Reply> {
    const { session, options } = this.#context;
    return abortable(session.request(verb, fields), options.signal);
  }
}
