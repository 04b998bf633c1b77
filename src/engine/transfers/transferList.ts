import { randomUUID } from 'node:crypto';
import { abortable, abortError } from '../../text/abort.ts';
import type { CopyResult } from '../../transfer/index.ts';
import type { TransferQueue, Turn } from '../../transfer/queue.ts';
import { targetKey } from '../guest/target.ts';
import { message } from '../messages/message.ts';
import { Emitter } from '../support/emitter.ts';
import {
  type CopyRequest,
  type CopySummary,
  canRetry,
  isFinished,
  type Transfer,
  type TransferRecord,
} from './transfer.ts';
import { asFailure, TransferFailure } from './transferFailure.ts';
import { allAborted, linksOf, linkUse, type TransferRun, type WaitingRun } from './transferRun.ts';

export interface Completion {
  readonly result: CopyResult;
  readonly outcome: CopySummary;
}

/**
 * Runs one transfer, or the same copy into several guests, and gives what comes of each. A rejection is a
 * TransferFailure.
 */
export type RunTransfers = (runs: readonly TransferRun[]) => readonly Promise<Completion>[];

/** Where the list outlives the window. */
export interface TransferStore {
  load(): readonly TransferRecord[];
  save(records: readonly TransferRecord[]): void;
}

export interface TransferListOptions {
  readonly queue: TransferQueue;
  readonly run: RunTransfers;
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
    this.#prepend([transfer]);
    const [completion] = this.#start([transfer.id], signal);
    return { id: transfer.id, completion: completion as Promise<Completion> };
  }

  /** The same files into several guests at once, each a transfer of its own. */
  addAll(requests: readonly CopyRequest[]): Promise<Completion>[] {
    const group = requests.length > 1 ? randomUUID() : undefined;
    const added = requests.map(
      (request): Transfer => ({ id: randomUUID(), group, request, state: 'queued' }),
    );
    this.#prepend(added);
    return this.#start(added.map(({ id }) => id));
  }

  /** Copies once more what was not copied, or not completely: several together, if they are parts of one copy. */
  retry(...ids: readonly string[]): Promise<Completion>[] {
    const again = ids.filter(id => canRetry(this.get(id)?.state ?? 'done'));
    const group = again.length > 1 ? randomUUID() : undefined;
    const change: Partial<Transfer> = {
      ...{ group, state: 'queued' },
      ...{ startedAt: undefined, endedAt: undefined },
      ...{ outcome: undefined, error: undefined, cause: undefined, result: undefined, progress: undefined },
    };
    for (const id of again) this.#replace(id, change);
    if (again.length === 0) return [];
    this.#save();
    for (const id of again) this.changes.fire({ id, kind: 'state' });
    return this.#start(again);
  }

  cancel(id: string): void {
    this.#controllers.get(id)?.abort();
  }

  remove(id: string): void {
    this.#setList(this.#transfers.filter(transfer => transfer.id !== id || !isFinished(transfer.state)));
  }

  /** @returns the interrupted ones, which stay: that's where they are resumed. */
  clearFinished(): string[] {
    const isInterrupted = ({ state }: Transfer) => state === 'interrupted';
    this.#setList(this.#transfers.filter(one => isInterrupted(one) || !isFinished(one.state)));
    return this.#transfers.filter(isInterrupted).map(({ id }) => id);
  }

  /** Ends all copies in good order. Their records stay as they are: the next window offers them again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const controller of this.#controllers.values()) controller.abort();
    await Promise.allSettled(this.#unfinished);
  }

  #prepend(added: readonly Transfer[]): void {
    const room = MAX_KEPT - added.length;
    const kept = this.#transfers.filter(({ state }, index) => index < room || !isFinished(state));
    this.#setList([...added, ...kept]);
  }

  #start(ids: readonly string[], signal?: AbortSignal): Promise<Completion>[] {
    const runs = ids.map(id => this.#prepare(id, signal));
    const turn = this.#awaitTurn(runs);
    return runs.map(({ transfer: { id }, signal: own }) => {
      const completion = this.#follow(id, turn, own).finally(() => {
        this.#controllers.delete(id);
        this.#unfinished.delete(completion);
      });
      this.#unfinished.add(completion);
      // The list reports a rejection itself; callers may ignore the promise.
      completion.catch(() => undefined);
      return completion;
    });
  }

  #prepare(id: string, outer?: AbortSignal): WaitingRun {
    const controller = new AbortController();
    this.#controllers.set(id, controller);
    return {
      transfer: this.#expect(id),
      signal: outer ? AbortSignal.any([controller.signal, outer]) : controller.signal,
      onProgress: progress => this.#advance(id, { progress }),
      onAsking: asking => this.#advance(id, { asking }),
    };
  }

  /** @returns what comes of each, once it is their turn: they wait for it, and have it, together. */
  #awaitTurn(runs: readonly WaitingRun[]): Promise<ReadonlyMap<string, Promise<Completion>>> {
    const { promise, resolve, reject } = Promise.withResolvers<ReadonlyMap<string, Promise<Completion>>>();
    const work = async (turn: Turn) => {
      const wanted = runs.filter(({ signal }) => !signal.aborted);
      const startedAt = Date.now();
      for (const { transfer } of wanted) this.#set(transfer.id, { state: 'running', startedAt });
      const completions = this.#run(wanted, turn);
      resolve(new Map(wanted.map(({ transfer }, index) => [transfer.id, completions[index] as never])));
      await Promise.allSettled(completions);
    };
    const links = new Set(runs.flatMap(({ transfer }) => linksOf(transfer.request.target)));
    this.#options.queue.run([...links], work, allAborted(runs)).catch(reject);
    promise.catch(() => undefined);
    return promise;
  }

  #run(runs: readonly WaitingRun[], turn: Turn): Promise<Completion>[] {
    const completions = this.#options.run(runs.map(run => ({ ...run, links: linkUse(run, turn) })));
    return completions.map((completion, index) =>
      completion.catch(error => this.#runAgain(runs[index] as WaitingRun, turn, error)),
    );
  }

  /** Where only the link was missing that another transfer has, it waits for that one after all. */
  async #runAgain(run: WaitingRun, turn: Turn, error: unknown): Promise<Completion> {
    const { id, request } = run.transfer;
    const alone = turn.whenAlone(targetKey(request.target));
    const { code } = asFailure(error);
    if (!alone || (code !== 'no-receiver' && code !== 'busy')) throw error;
    this.#set(id, { state: 'queued', startedAt: undefined });
    await abortable(alone, run.signal);
    this.#set(id, { state: 'running', startedAt: Date.now() });
    return this.#run([run], turn)[0] as Promise<Completion>;
  }

  async #follow(
    id: string,
    turn: Promise<ReadonlyMap<string, Promise<Completion>>>,
    signal: AbortSignal,
  ): Promise<Completion> {
    const over = () => ({ progress: undefined, asking: undefined, endedAt: Date.now() });
    try {
      const completion = await (await abortable(turn, signal)).get(id);
      if (!completion) throw abortError();
      const { result, outcome } = completion;
      this.#set(id, { state: outcome.failed > 0 ? 'failed' : 'done', result, outcome, ...over() });
      return completion;
    } catch (error) {
      const failure = asFailure(error);
      const { code, explanation, partial } = failure;
      const state = code === 'aborted' ? 'cancelled' : 'failed';
      this.#set(id, {
        state,
        error: { code, message: explanation },
        outcome: partial,
        cause: failure.cause,
        ...over(),
      });
      throw failure;
    }
  }

  #expect(id: string): Transfer {
    const transfer = this.get(id);
    if (!transfer) throw new TransferFailure('internal', message('copy.unexpected'));
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

  #advance(id: string, change: Pick<Transfer, 'progress' | 'asking'>): void {
    if (this.get(id)?.state !== 'running') return;
    this.#replace(id, change);
    this.changes.fire({ id, kind: 'progress' });
  }

  #replace(id: string, change: Partial<Transfer>): void {
    this.#transfers = this.#transfers.map(one => (one.id === id ? { ...one, ...change } : one));
  }

  #save(): void {
    if (this.#stopped) return;
    this.#options.store.save(
      this.#transfers.map(({ id, group, request, state, startedAt, endedAt, outcome, error }) => ({
        ...{ id, group, request, state },
        ...{ startedAt, endedAt, outcome, error },
      })),
    );
  }
}

function asRestored(record: TransferRecord): Transfer {
  return isFinished(record.state) ? record : { ...record, state: 'interrupted' };
}
