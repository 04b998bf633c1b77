/** One file through one put: what the guest has of it is asked for first, then the rest is sent and verified. */
import { isRemoteError, type PutStream, type Reply } from '../protocol/index.ts';
import { abortable } from '../text/abort.ts';
import { modeField, mtimeField } from './attributes.ts';
import type { WirePolicy } from './conflictResolver.ts';
import type { CopyContext } from './copyContext.ts';
import { blockSizeFor } from './delta/blockSize.ts';
import { DeltaSender } from './delta/deltaSender.ts';
import { SignatureTable } from './delta/signatureTable.ts';
import { type FileOutcome, skippedOutcome } from './fileOutcome.ts';
import { bringUpToDate, compareContent } from './identical.ts';
import { notesOf } from './notes.ts';
import { openPut } from './openPut.ts';
import type { Pieces } from './pieces.ts';
import { isDeltaWorthwhile, type PutPlan } from './putPlan.ts';
import type { SourceReader } from './sourceReader.ts';
import type { SourceEntry } from './sourceTree.ts';
import { TransferError } from './transferError.ts';
import type { SourceChange, VersionedSource } from './versionedFile.ts';
import { waitForCleanup } from './waitForCleanup.ts';

export interface PutRequest {
  readonly entry: SourceEntry;
  readonly path: string;
  readonly conflict: WirePolicy;
  readonly plan: PutPlan;
  /** What is there has been compared already, and is not the same. */
  readonly isKnownDifferent: boolean;
  /** As VersionedSource has it. */
  readonly isLookedAtAgain: boolean;
}

interface SentContent {
  sha256: string;
  bytes: number;
  changed?: SourceChange;
}

export class FilePut {
  readonly #context: CopyContext;
  readonly #request: PutRequest;
  readonly #signal: AbortSignal | undefined;
  readonly #source: VersionedSource;
  #acknowledged = 0;
  #resumedFrom = 0;
  #isOver = false;

  constructor(context: CopyContext, request: PutRequest) {
    this.#context = context;
    this.#request = request;
    this.#signal = context.options.signal;
    const { entry, isLookedAtAgain } = request;
    this.#source = { source: entry.source, info: entry.info, isLookedAtAgain };
  }

  /**
   * @param onQueued - the last byte and the commit are queued; the answer is still to come
   * @throws SourceChanged: the guest keeps what it had; RemoteError, ProtocolError, TransferError, or an error of the
   * source's file system
   */
  async run(onQueued: () => void): Promise<FileOutcome> {
    const put = await this.#open();
    let answered = false;
    try {
      const accepted = this.#request.plan.waits ? await abortable(put.accepted, this.#signal) : undefined;
      const known = accepted && (await this.#answerKnown(accepted));
      if (known) return known;
      const sent = await this.#send(put, accepted);
      const result = put.commit(sent.sha256);
      onQueued();
      const reply = await abortable(result, this.#signal);
      answered = true;
      return this.#outcome(reply, sent);
    } catch (error) {
      this.#isOver = true;
      this.#context.tracker.takeBack(this.#acknowledged);
      this.#context.tracker.resume(-this.#resumedFrom);
      throw error;
    } finally {
      if (!answered && !(await waitForCleanup(put.cancel(this.#keepsNow))))
        this.#context.leftovers.add(this.#request.path);
    }
  }

  get #keepsWhenCancelled(): boolean {
    return this.#request.plan.resume && this.#context.options.keepPartial === true;
  }

  get #keepsNow(): boolean {
    return this.#signal?.aborted === true && this.#keepsWhenCancelled;
  }

  #open(): Promise<PutStream> {
    const { session, streams } = this.#context;
    const { entry, path, conflict, plan } = this.#request;
    return openPut(session, this.#signal, this.#keepsWhenCancelled, {
      path,
      size: entry.info.size,
      mode: modeField(entry.info),
      mtime: mtimeField(entry.info),
      conflict,
      unchanged: plan.unchanged ? 'skip' : undefined,
      encoding: streams.encoding,
      basis: plan.basis ? 1 : undefined,
      resume: plan.resume ? 1 : undefined,
    });
  }

  /** The outcome where nothing need be sent. */
  async #answerKnown(accepted: Reply): Promise<FileOutcome | undefined> {
    const { entry, path, conflict, isKnownDifferent } = this.#request;
    const { session, streams } = this.#context;
    const { info } = entry;
    const known = { session, path: accepted.get('path') ?? path, info, policy: conflict };
    if (accepted.has('skipped')) {
      const outcome = skippedOutcome(accepted, path);
      if (!outcome.unchanged) return outcome;
      const brought = bringUpToDate(known, accepted.get('mode'), undefined);
      return { ...outcome, ...(await abortable(brought, this.#signal)) };
    }
    if (isKnownDifferent || numberOf(accepted, 'basis') !== info.size) return undefined;
    const comparing = compareContent(known, () => streams.hash(this.#source));
    return abortable(comparing, this.#signal);
  }

  async #send(put: PutStream, accepted: Reply | undefined): Promise<SentContent> {
    const table = accepted && (await this.#signature(accepted));
    return table ? this.#sendDelta(put, accepted, table) : this.#sendWhole(put, accepted);
  }

  async #sendWhole(put: PutStream, accepted: Reply | undefined): Promise<SentContent> {
    const { streams, sender } = this.#context;
    const pieces = await this.#resume(put, accepted, () => streams.openPieces(this.#source));
    try {
      await sender.send(pieces, put, this.#onAcknowledged);
      return await this.#finish(put, pieces);
    } finally {
      await pieces.close();
    }
  }

  async #sendDelta(put: PutStream, accepted: Reply, table: SignatureTable): Promise<SentContent> {
    const { streams, sender } = this.#context;
    const reader = await this.#resume(put, accepted, () => streams.openReader(this.#source));
    const encoder = streams.newEncoder(this.#request.entry.info.size);
    try {
      const source = { reader, table, encoder, literalBytes: streams.blockBytes };
      await new DeltaSender(sender, put, this.#onAcknowledged, this.#signal).send(source);
      return await this.#finish(put, reader);
    } finally {
      encoder?.close();
      await reader.close();
    }
  }

  /** Nothing is committed that isn't one version of the source. */
  async #finish(put: PutStream, read: Pieces | SourceReader): Promise<SentContent> {
    const sent = { sha256: read.sha256(), bytes: read.bytes };
    // The guest has answered before the end: what became of the source no longer matters.
    if (put.answered) return sent;
    const changed = await abortable(read.finish(), this.#signal);
    return changed ? { ...sent, changed } : sent;
  }

  /** Opens the source where the guest's partial file ends, if that is the source's beginning; else at 0. */
  async #resume<T extends Pieces | SourceReader>(
    put: PutStream,
    accepted: Reply | undefined,
    open: () => Promise<T>,
  ): Promise<T> {
    const opened = await this.#opened(open);
    const partial = accepted && numberOf(accepted, 'partial');
    if (!partial || partial > this.#request.entry.info.size) return opened;
    try {
      const sha256 = await abortable(opened.skip(partial), this.#signal);
      if (sha256 === accepted.get('partial-sha256') && opened.bytes === partial) {
        put.resumeAt(partial);
        this.#resumedFrom = partial;
        this.#context.tracker.resume(partial);
        return opened;
      }
    } catch (error) {
      await opened.close();
      throw error;
    }
    await opened.close();
    return this.#opened(open);
  }

  /** A file that was written a moment ago is waited for; what is opened after the signal is closed again. */
  #opened<T extends Pieces | SourceReader>(open: () => Promise<T>): Promise<T> {
    const opening = open();
    return abortable(opening, this.#signal).catch(error => {
      opening.then(opened => opened.close()).catch(() => undefined);
      throw error;
    });
  }

  /** The basis's checksums, where they are worth asking for and make sense. */
  async #signature(accepted: Reply): Promise<SignatureTable | undefined> {
    const { session, options } = this.#context;
    const { entry, path } = this.#request;
    const basis = numberOf(accepted, 'basis') ?? 0;
    const { device } = session.welcome;
    if (!isDeltaWorthwhile(basis, entry.info.size, device, options.delta)) return undefined;
    const table = new SignatureTable(basis, blockSizeFor(basis));
    const request = { path, block: table.blockBytes };
    const stream = await session.signature(request, (offset, bytes) => table.add(offset, bytes));
    try {
      await abortable(stream.result, this.#signal);
    } catch (error) {
      // It only would have saved something.
      if (isRemoteError(error)) return undefined;
      stream.cancel();
      throw error;
    }
    if (!table.isComplete) return undefined;
    table.index();
    return table;
  }

  #outcome(reply: Reply, sent: SentContent): FileOutcome {
    const { path } = this.#request;
    if (reply.has('skipped')) return skippedOutcome(reply, path);
    if (reply.get('sha256') !== sent.sha256 || reply.get('size') !== String(sent.bytes))
      throw new TransferError('hash-mismatch', 'the guest holds other bytes than were sent');
    return {
      destination: reply.get('path') ?? path,
      ...sent,
      verified: true,
      skipped: false,
      ...notesOf(reply, this.#request.entry.info),
    };
  }

  readonly #onAcknowledged = (bytes: number): void => {
    if (this.#isOver) return;
    this.#acknowledged += bytes;
    this.#context.tracker.addBytes(bytes);
  };
}

/** A size as the guest gives it; undefined where it gives none or nonsense. */
function numberOf(reply: Reply, key: string): number | undefined {
  const text = reply.get(key) ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
