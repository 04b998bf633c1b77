import type { GuestRequest, OpenGuest } from '../../cli/openGuest.ts';
import type {
  Conflict,
  ConflictDecision,
  CopyOptions,
  CopyProgress,
  CopyResult,
  CopyTarget,
  SourceInfo,
  SourceSystem,
} from '../../transfer/index.ts';
import type { OwnCopies } from '../copy/ownCopies.ts';
import type { Engine } from '../loadEngine.ts';
import { domainKey, type Receivers } from '../receivers.ts';
import { describeFailure } from './describeFailure.ts';
import { outcomeOf } from './outcome.ts';
import { type CopyRequest, guestIdOf, type Outcome } from './transfer.ts';
import { TransferFailure } from './transferFailure.ts';
import type { Completion } from './transferList.ts';

/** What one guest's part of a copy needs. */
export interface RunOptions {
  readonly engine: Engine;
  readonly receivers: Receivers;
  readonly ownCopies: OwnCopies;
  readonly sourceSystem: SourceSystem;
  readonly signal: AbortSignal;
  readonly compression: NonNullable<CopyOptions['compression']>;
  readonly delta: NonNullable<CopyOptions['delta']>;
  readonly lanes: NonNullable<GuestRequest['lanes']>;
  readonly onProgress: (progress: CopyProgress) => void;
  readonly onConflict: (conflict: Conflict) => Promise<ConflictDecision>;
}

export interface Run {
  readonly request: CopyRequest;
  readonly options: RunOptions;
}

/**
 * The same sources into one guest or several, from connecting to closing. They begin together, when it is known in which
 * of them a receiver answers, and none waits for another to end.
 *
 * @returns what comes of each; a rejection is a TransferFailure
 */
export function runTransfers(engine: Engine, runs: readonly Run[]): Promise<Completion>[] {
  const guests = runs.map(({ request, options }) => new GuestRun(request, options));
  const opening = guests.map(guest => guest.open());
  const sources = runs[0]?.request.sources ?? [];
  const begun = Promise.allSettled(opening).then(results => {
    const ready = guests.filter((_, index) => results[index]?.status === 'fulfilled');
    const copies = engine.copyToEach(
      ready.map(guest => guest.target()),
      sources,
    );
    return new Map(ready.map((guest, index) => [guest, copies[index] as Promise<CopyResult>]));
  });
  return guests.map((guest, index) => guest.complete(opening[index] as Promise<void>, begun));
}

class GuestRun {
  readonly #request: CopyRequest;
  readonly #options: RunOptions;
  readonly #seen = new Map<string, SourceInfo>();
  #guest: OpenGuest | undefined;
  #partial: Outcome | undefined;

  constructor(request: CopyRequest, options: RunOptions) {
    this.#request = request;
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#guest = await openGuest(this.#request, this.#options);
  }

  target(): CopyTarget {
    const { destination, conflict, repeated } = this.#request;
    const { sourceSystem, signal, compression, delta, onProgress, onConflict, ownCopies } = this.#options;
    const guestId = guestIdOf(this.#request);
    const onFound = async (found: Conflict): Promise<ConflictDecision> =>
      repeated && ownCopies.isAsLeft(guestId, found) ? { action: 'overwrite' } : onConflict(found);
    const options: CopyOptions = {
      ...{ conflict, compression, delta, signal, onProgress },
      sourceSystem: rememberingStats(sourceSystem, this.#seen),
      onConflict: onFound,
      onInterrupted: broken => {
        this.#partial = this.#judge(broken);
      },
    };
    return { session: this.#opened.session, destination, options };
  }

  async complete(
    opening: Promise<void>,
    begun: Promise<ReadonlyMap<GuestRun, Promise<CopyResult>>>,
  ): Promise<Completion> {
    try {
      await opening;
      const result = (await (await begun).get(this)) as CopyResult;
      return { result, outcome: this.#judge(result) };
    } catch (thrown) {
      const { engine, signal } = this.#options;
      const guest = this.#guest;
      const error = guest && !signal.aborted ? await engine.diagnose(thrown, guest) : thrown;
      throw failureOf(error, this.#request, this.#options, { guest, partial: this.#partial });
    } finally {
      await this.#guest?.close().catch(() => undefined);
    }
  }

  get #opened(): OpenGuest {
    if (!this.#guest) throw new Error('the guest is not open');
    return this.#guest;
  }

  /** Also notes what is now in the guest because of us. */
  #judge(result: CopyResult): Outcome {
    const { session, link } = this.#opened;
    for (const file of result.files) {
      const info = this.#seen.get(file.source);
      if (file.verified && info)
        this.#options.ownCopies.left(guestIdOf(this.#request), file.destination, info);
    }
    return outcomeOf(result, link.description.label, session.welcome);
  }
}

async function openGuest(
  { connection, domain, uuid, link }: CopyRequest,
  { engine, receivers, lanes, signal }: RunOptions,
): Promise<OpenGuest> {
  const key = connection !== undefined && uuid !== undefined ? domainKey(connection, uuid) : undefined;
  try {
    // By UUID: it may have been renamed since.
    const guest = await engine.openGuest(
      { connect: connection, link, lanes, domain: uuid ?? domain },
      signal,
    );
    if (key) receivers.answered(key, guest.session.welcome.system);
    return guest;
  } catch (error) {
    if (key && engine.codeOfError(error) === 'no-receiver') receivers.silent(key);
    throw error;
  }
}

function rememberingStats(system: SourceSystem, seen: Map<string, SourceInfo>): SourceSystem {
  return {
    ...system,
    async stat(source, options) {
      const info = await system.stat(source, options);
      seen.set(source, info);
      return info;
    },
  };
}

function failureOf(
  error: unknown,
  request: CopyRequest,
  { engine, signal }: RunOptions,
  { guest, partial }: { guest: OpenGuest | undefined; partial: Outcome | undefined },
): TransferFailure {
  const code = signal.aborted ? 'aborted' : engine.codeOfError(error);
  const context = {
    uri: request.connection,
    domain: request.domain,
    source: request.sources[0],
    destination: request.destination,
    user: guest?.session.welcome.user,
    root: guest?.session.welcome.root,
  };
  return new TransferFailure(code, describeFailure(engine, error, context), { cause: error, partial });
}
