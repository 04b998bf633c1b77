/** A copy: walks the sources, makes directories, sends files one behind the other without waiting for each answer. */
import {
  isProtocolError,
  isRemoteError,
  type ProtocolError,
  type Reply,
  type Session,
} from '../protocol/index.ts';
import { abortable, throwIfAborted } from './abortable.ts';
import { modeField, mtimeField } from './attributes.ts';
import { ConflictResolver, type WirePolicy } from './conflictResolver.ts';
import { type Destination, holdsSameContent, joinGuestPath, resolveDestination } from './destination.ts';
import { FileSender } from './fileSender.ts';
import { ProgressTracker } from './progressTracker.ts';
import { localDisk, type SourceSystem } from './sourceSystem.ts';
import { type SourceEntry, type WalkItem, walkSource } from './sourceTree.ts';
import { TransferError } from './transferError.ts';
import type { CopyOptions, CopyResult, FileResult } from './types.ts';

/** Up to this size data is sent without first waiting whether the receiver accepts the file. */
const OPTIMISTIC_BYTES = 32 * 1_024;
/** The owner must be able to fill a directory; its real mode is set at the end. */
const OWNER_ACCESS = 0o700;
/** How long a cancelled copy waits for the receiver to say that it has cleaned up. */
const CANCEL_MS = 2_000;

/**
 * Copies files and folders into the guest behind the session.
 *
 * What concerns one file stands in its FileResult and does not stop the others.
 *
 * @param destination - path in the guest: an existing directory takes the sources' base names, a character device is
 * written straight, anything else is the name of the single source's copy
 * @throws TransferError or RemoteError when the destination cannot take anything, ProtocolError when the session ends
 * (`aborted` after the signal)
 */
export function copy(
  session: Session,
  sources: readonly string[],
  destination: string,
  options: CopyOptions,
): Promise<CopyResult> {
  return new CopyJob(session, options).run(sources, destination);
}

/** What became of one file or link, before it is a FileResult. */
interface Outcome {
  destination: string;
  bytes: number;
  sha256: string | null;
  verified: boolean;
  skipped: boolean;
}

class CopyJob {
  readonly #session: Session;
  readonly #signal: AbortSignal | undefined;
  readonly #system: SourceSystem;
  readonly #sender: FileSender;
  readonly #conflicts: ConflictResolver;
  readonly #tracker: ProgressTracker;
  readonly #onInterrupted: CopyOptions['onInterrupted'];
  readonly #wireBytesBefore: number;
  readonly #startedAt = performance.now();
  readonly #results: FileResult[] = [];
  readonly #unanswered = new Set<Promise<void>>();
  readonly #madeDirectories: Array<{ path: string; entry: SourceEntry }> = [];
  readonly #refusedDirectories = new Set<SourceEntry>();
  /** What ends the whole copy: the session's end or the user's cancellation. */
  #fatal: ProtocolError | undefined;

  constructor(session: Session, options: CopyOptions) {
    this.#session = session;
    this.#wireBytesBefore = session.wireBytes;
    this.#onInterrupted = options.onInterrupted;
    this.#signal = options.signal;
    this.#system = options.sourceSystem ?? localDisk;
    this.#sender = new FileSender(session, this.#system, options.signal);
    this.#conflicts = new ConflictResolver(options);
    this.#tracker = new ProgressTracker(() => session.wireBytes - this.#wireBytesBefore, options.onProgress);
  }

  async run(sources: readonly string[], outPath: string): Promise<CopyResult> {
    throwIfAborted(this.#signal);
    const destination = await resolveDestination(this.#session, outPath, sources.length);
    const counting = this.#count(sources);
    this.#tracker.start();
    try {
      for (const source of sources) await this.#copySource(source, destination);
      await this.#allAnswered();
      await this.#finishDirectories();
      await counting;
      return this.#result();
    } catch (error) {
      await Promise.all(this.#unanswered);
      this.#onInterrupted?.(this.#result());
      throw error;
    } finally {
      this.#tracker.stop();
      await counting;
    }
  }

  #result(): CopyResult {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    const bytes = this.#results.reduce((sum, file) => sum + (file.skipped ? 0 : file.bytes), 0);
    return {
      files: this.#results,
      bytes,
      wireBytes: this.#session.wireBytes - this.#wireBytesBefore,
      seconds,
      bytesPerSecond: bytes / seconds,
      resumedFrom: 0,
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
    const descend = (entry: SourceEntry) => !this.#refusedDirectories.has(entry);
    for await (const item of walkSource(this.#system, source, descend)) {
      throwIfAborted(this.#signal);
      if (this.#fatal) throw this.#fatal;
      await this.#copyItem(item, destination);
    }
  }

  async #copyItem(item: WalkItem, destination: Destination): Promise<void> {
    const { names, source } = item.kind === 'entry' ? item.entry : item;
    const below = destination.kind === 'directory' ? names : names.slice(1);
    const path = below.reduce((parent, name) => joinGuestPath(this.#session, parent, name), destination.path);
    if (item.kind === 'unreadable') return this.#failed(source, path, item.error);
    // A separator inside a name would lead to another place in the guest than the source's tree says.
    if (below.some(name => name.includes(this.#session.welcome.separator)))
      return this.#failed(
        source,
        path,
        new TransferError('bad-name', 'the name has a path separator of the guest', source),
      );
    const { entry } = item;
    if (entry.info.type === 'directory') return this.#makeDirectory(entry, path, destination);
    if (entry.info.type === 'special')
      return this.#failed(source, path, new TransferError('source-special', 'not a file or folder', source));
    this.#tracker.file = source;
    if (entry.info.type === 'symlink') void this.#track(entry, path, this.#copyLink(entry, path));
    else await this.#copyFile(entry, path);
  }

  async #makeDirectory(entry: SourceEntry, path: string, destination: Destination): Promise<void> {
    try {
      if (destination.kind === 'device')
        throw new TransferError('not-a-directory', 'a folder cannot be copied to a device', path);
      const reply = await this.#request('mkdir', { path, mode: modeField(entry.info, OWNER_ACCESS) });
      if (reply.get('existed') !== '1') this.#madeDirectories.push({ path, entry });
    } catch (error) {
      this.#refusedDirectories.add(entry);
      this.#failed(entry.source, path, error);
    }
  }

  /** Resolves when the file's last byte and its commit are queued; the answer is awaited beside the next file. */
  async #copyFile(entry: SourceEntry, path: string): Promise<void> {
    const { promise: queued, resolve } = Promise.withResolvers<void>();
    this.#track(
      entry,
      path,
      this.#withConflicts(entry, path, policy => this.#putFile(entry, path, policy, resolve)),
    );
    const settled = [...this.#unanswered].at(-1);
    await Promise.race([queued, settled]);
  }

  async #putFile(
    entry: SourceEntry,
    path: string,
    conflict: WirePolicy,
    onQueued: () => void,
  ): Promise<Outcome> {
    const { source, info } = entry;
    const fields = { path, size: info.size, mode: modeField(info), mtime: mtimeField(info), conflict };
    const put = await abortable(this.#session.put(fields), this.#signal);
    let acknowledged = 0;
    let committed = false;
    try {
      const accepted = info.size > OPTIMISTIC_BYTES ? await abortable(put.accepted, this.#signal) : undefined;
      if (accepted?.has('skipped')) return this.#skippedOutcome(accepted, path);
      const sent = await this.#sender.send(source, put, bytes => {
        acknowledged += bytes;
        this.#tracker.addBytes(bytes);
      });
      committed = true;
      const result = put.commit(sent.sha256);
      onQueued();
      const reply = await abortable(result, this.#signal);
      if (reply.has('skipped')) return this.#skippedOutcome(reply, path);
      return { destination: reply.get('path') ?? path, ...this.#verify(reply, sent), skipped: false };
    } catch (error) {
      this.#tracker.addBytes(-acknowledged);
      throw error;
    } finally {
      if (!committed) await this.#cancel(put.cancel());
    }
  }

  #verify(reply: Reply, sent: { sha256: string; bytes: number }) {
    const verified = reply.get('sha256') === sent.sha256 && reply.get('size') === String(sent.bytes);
    if (!verified) throw new TransferError('hash-mismatch', 'the guest holds other bytes than were sent');
    return { ...sent, verified };
  }

  #skippedOutcome(reply: Reply, path: string): Outcome {
    return { destination: reply.get('path') ?? path, bytes: 0, sha256: null, verified: false, skipped: true };
  }

  async #copyLink(entry: SourceEntry, path: string): Promise<Outcome> {
    const target = await this.#system.readLink(entry.source);
    return this.#withConflicts(entry, path, async conflict => {
      const reply = await this.#request('symlink', { path, target, conflict });
      const skipped = reply.has('skipped');
      const verified = !skipped || reply.get('skipped') === 'identical';
      return { destination: reply.get('path') ?? path, bytes: 0, sha256: null, verified, skipped };
    });
  }

  /** Tries with the copy's policy; an `exists` is settled by comparing content, then by asking. */
  async #withConflicts(
    entry: SourceEntry,
    path: string,
    attempt: (policy: WirePolicy) => Promise<Outcome>,
  ): Promise<Outcome> {
    try {
      return await attempt(this.#conflicts.wirePolicy);
    } catch (error) {
      if (!isRemoteError(error, 'exists')) throw error;
      const sha256 = await this.#sameContent(entry, error.path ?? path);
      if (sha256) return { destination: error.path ?? path, bytes: 0, sha256, verified: true, skipped: true };
      const policy = await this.#conflicts.resolve(entry, error);
      if (!policy) throw error;
      return attempt(policy);
    }
  }

  #sameContent(entry: SourceEntry, path: string): Promise<string | undefined> {
    if (entry.info.type !== 'file') return Promise.resolve(undefined);
    const hash = () => this.#sender.hash(entry.source);
    return abortable(holdsSameContent(this.#session, path, entry.info.size, hash), this.#signal);
  }

  /** Keeps the promise until it is answered and turns its outcome into a result, in the order of the sources. */
  #track(entry: SourceEntry, path: string, outcome: Promise<Outcome>): Promise<void> {
    const result = this.#addResult(entry.source, path);
    const answered = outcome
      .then(
        done => {
          Object.assign(result, done);
          if (done.skipped) this.#tracker.bytesTotal -= contentBytes(entry);
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
    this.#results.push(result);
    return result;
  }

  #note(result: FileResult, error: unknown): void {
    if (isProtocolError(error)) this.#fatal ??= error;
    result.error = describe(error);
  }

  async #allAnswered(): Promise<void> {
    await Promise.all(this.#unanswered);
    throwIfAborted(this.#signal);
    if (this.#fatal) throw this.#fatal;
  }

  /** Innermost first: setting a parent's mtime must come after the last change below it. */
  async #finishDirectories(): Promise<void> {
    for (const { path, entry } of this.#madeDirectories.reverse()) {
      try {
        await this.#request('attributes', {
          path,
          mode: modeField(entry.info),
          mtime: mtimeField(entry.info),
        });
      } catch (error) {
        if (isProtocolError(error)) throw error;
        this.#failed(entry.source, path, error);
      }
    }
  }

  #request(verb: string, fields: Record<string, string | undefined>): Promise<Reply> {
    return abortable(this.#session.request(verb, fields), this.#signal);
  }

  /** Gives the receiver a moment to say that it has removed the unfinished file; its session's end does the same. */
  async #cancel(cancelled: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>(resolve => {
      timer = setTimeout(resolve, CANCEL_MS);
    });
    await Promise.race([cancelled, patience]);
    clearTimeout(timer);
  }
}

function contentBytes(entry: SourceEntry): number {
  return entry.info.type === 'file' ? entry.info.size : 0;
}

function describe(error: unknown): { code: string; message: string } {
  if (isRemoteError(error) || isProtocolError(error) || error instanceof TransferError) {
    return { code: error.code, message: error.message };
  }
  if (error instanceof RangeError) return { code: 'name-too-long', message: 'the path is too long' };
  const { code, message } = error as NodeJS.ErrnoException;
  return { code: code ?? 'internal', message };
}
