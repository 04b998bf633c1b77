import { randomUUID } from 'node:crypto';
import type { CopyResult, Progress } from '../../transfer/index.ts';
import type { TransferQueue } from '../../transfer/queue.ts';
import { Emitter } from '../support/emitter.ts';
import {
  type CopyRequest,
  canRetry,
  isFinished,
  laneOf,
  type Outcome,
  type Transfer,
  type TransferRecord,
} from './transfer.ts';
import { isCancellation, TransferFailure } from './transferFailure.ts';

export interface Completion {
  readonly result: CopyResult;
  readonly outcome: Outcome;
}

/** @throws TransferFailure */
export type RunTransfer = (
  transfer: Transfer,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
) => Promise<Completion>;

/** Where the list outlives the window. */
export interface TransferStore {
  load(): readonly TransferRecord[];
  save(records: readonly TransferRecord[]): void;
}

export interface TransferListOptions {
  readonly queue: TransferQueue;
  readonly run: RunTransfer;
  readonly store: TransferStore;
}

/** `id` undefined: which transfers there are. */
export interface TransferChange {
  readonly id: string | undefined;
  readonly kind: 'list' | 'state' | 'progress';
}

/** Older ones that are finished are dropped. */
const MAX_KEPT = 50;

/** All copies of this window, newest first, and those of its last life. */
export class TransferList {
  readonly changes = new Emitter<TransferChange>();
  readonly #options: TransferListOptions;
  readonly #controllers = new Map<string, AbortController>();
  readonly #unfinished = new Set<Promise<unknown>>();
  /** Those that the window's end broke off, until they were offered once. */
  readonly interrupted: readonly string[];
  #transfers: readonly Transfer[];
  #stopped = false;

  constructor(options: TransferListOptions) {
    this.#options = options;
    const records = options.store.load();
    this.#transfers = records.map(asRestored);
    this.interrupted = records.filter(({ state }) => !isFinished(state)).map(({ id }) => id);
    if (this.interrupted.length > 0) this.#save();
  }

  get all(): readonly Transfer[] {
    return this.#transfers;
  }

  get(id: string): Transfer | undefined {
    return this.#transfers.find(transfer => transfer.id === id);
  }

  /** @returns the transfer's id, and what comes of it. A rejection is a TransferFailure. */
  add(request: CopyRequest, signal?: AbortSignal): { id: string; completion: Promise<Completion> } {
    const transfer: Transfer = { id: randomUUID(), request, state: 'queued' };
    const kept = this.#transfers.filter(({ state }, index) => index < MAX_KEPT - 1 || !isFinished(state));
    this.#setList([transfer, ...kept]);
    return { id: transfer.id, completion: this.#start(transfer.id, signal) };
  }

  /** Copies once more what was not copied, or not completely. */
  retry(id: string): Promise<Completion> | undefined {
    const transfer = this.get(id);
    if (!transfer || !canRetry(transfer.state)) return undefined;
    this.#set(id, {
      state: 'queued',
      outcome: undefined,
      error: undefined,
      result: undefined,
      progress: undefined,
    });
    return this.#start(id);
  }

  cancel(id: string): void {
    this.#controllers.get(id)?.abort();
  }

  remove(id: string): void {
    this.#setList(this.#transfers.filter(transfer => transfer.id !== id || !isFinished(transfer.state)));
  }

  clearFinished(): void {
    this.#setList(this.#transfers.filter(({ state }) => !isFinished(state)));
  }

  /** Ends all copies in good order. Their records stay as they are: the next window offers them again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const controller of this.#controllers.values()) controller.abort();
    await Promise.allSettled(this.#unfinished);
  }

  #start(id: string, signal?: AbortSignal): Promise<Completion> {
    const controller = new AbortController();
    const onAbort = () => controller.abort();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    this.#controllers.set(id, controller);
    const completion = this.#run(id, controller).finally(() => {
      signal?.removeEventListener('abort', onAbort);
      this.#controllers.delete(id);
      this.#unfinished.delete(completion);
    });
    this.#unfinished.add(completion);
    // The list knows how it ended; whoever wants to know too has the promise.
    completion.catch(() => undefined);
    return completion;
  }

  async #run(id: string, { signal }: AbortController): Promise<Completion> {
    const { queue, run } = this.#options;
    const work = () => {
      this.#set(id, { state: 'running' });
      return run(this.#expect(id), signal, progress => this.#setProgress(id, progress));
    };
    try {
      const completion = await queue.run(laneOf(this.#expect(id).request), work, signal);
      const { result, outcome } = completion;
      this.#set(id, { state: outcome.failed > 0 ? 'failed' : 'done', result, outcome, progress: undefined });
      return completion;
    } catch (error) {
      const failure = asFailure(error);
      const { code, message, partial } = failure;
      const state = isCancellation(failure) ? 'cancelled' : 'failed';
      this.#set(id, { state, error: { code, message }, outcome: partial, progress: undefined });
      throw failure;
    }
  }

  #expect(id: string): Transfer {
    const transfer = this.get(id);
    if (!transfer) throw new TransferFailure('internal', 'the transfer is gone');
    return transfer;
  }

  #setList(transfers: readonly Transfer[]): void {
    this.#transfers = transfers;
    this.#save();
    this.changes.fire({ id: undefined, kind: 'list' });
  }

  #set(id: string, change: Partial<Transfer>): void {
    this.#replace(id, change);
    this.#save();
    this.changes.fire({ id, kind: 'state' });
  }

  #setProgress(id: string, progress: Progress): void {
    if (this.get(id)?.state !== 'running') return;
    this.#replace(id, { progress });
    this.changes.fire({ id, kind: 'progress' });
  }

  #replace(id: string, change: Partial<Transfer>): void {
    this.#transfers = this.#transfers.map(one => (one.id === id ? { ...one, ...change } : one));
  }

  #save(): void {
    if (this.#stopped) return;
    this.#options.store.save(
      this.#transfers.map(({ id, request, state, outcome, error }) => ({
        id,
        request,
        state,
        outcome,
        error,
      })),
    );
  }
}

function asRestored(record: TransferRecord): Transfer {
  return isFinished(record.state) ? record : { ...record, state: 'interrupted' };
}

function asFailure(error: unknown): TransferFailure {
  if (error instanceof TransferFailure) return error;
  const code = isCancellation(error) ? 'aborted' : 'internal';
  return new TransferFailure(code, error instanceof Error ? error.message : String(error), { cause: error });
}
