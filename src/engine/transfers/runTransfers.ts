import type {
  Conflict,
  ConflictDecision,
  CopyOptions,
  CopyProgress,
  CopyResult,
  SourceInfo,
  SourceSystem,
} from '../../transfer/index.ts';
import type { Receivers } from '../connections/receivers.ts';
import type { OpenGuest, OpenGuestOptions } from '../guest/openGuest.ts';
import { targetKey } from '../guest/target.ts';
import type { Engine } from '../loadEngine.ts';
import { summaryOf } from './copySummary.ts';
import type { OwnCopies } from './ownCopies.ts';
import type { CopyEnd, GuestCopy } from './runCopies.ts';
import type { CopyRequest, CopySummary } from './transfer.ts';
import { TransferFailure } from './transferFailure.ts';
import type { Completion } from './transferList.ts';
import type { LinkUse } from './transferRun.ts';

/** What one guest's part of a copy needs of the window. */
export interface RunOptions {
  readonly receivers: Receivers;
  readonly ownCopies: OwnCopies;
  readonly sourceSystem: SourceSystem;
  readonly signal: AbortSignal;
  readonly links: LinkUse;
  readonly compression: NonNullable<CopyOptions['compression']>;
  readonly delta: NonNullable<CopyOptions['delta']>;
  readonly lanes: NonNullable<OpenGuestOptions['lanes']>;
  readonly onProgress: (progress: CopyProgress) => void;
  readonly onConflict: (conflict: Conflict) => Promise<ConflictDecision>;
}

export interface Run {
  readonly request: CopyRequest;
  readonly options: RunOptions;
}

/**
 * The same sources into one guest or several, and what the window remembers of it.
 *
 * @returns what comes of each; a rejection is a TransferFailure
 */
export function runTransfers(engine: Engine, runs: readonly Run[]): Promise<Completion>[] {
  const guests = runs.map(({ request, options }) => new GuestRun(request, options));
  const ends = engine.runCopies(
    guests.map(guest => guest.copy),
    runs[0]?.request.sources ?? [],
  );
  return guests.map(async (guest, index) => guest.complete((await ends[index]) as CopyEnd));
}

class GuestRun {
  readonly copy: GuestCopy;
  readonly #request: CopyRequest;
  readonly #options: RunOptions;
  readonly #seen = new Map<string, SourceInfo>();

  constructor(request: CopyRequest, options: RunOptions) {
    this.#request = request;
    this.#options = options;
    this.copy = this.#copy();
  }

  complete({ guest, result, failure }: CopyEnd): Completion {
    if (!failure) return { result, outcome: this.#judge(result, guest) };
    const { code, error, message } = failure;
    const isSilent = !guest && code === 'no-receiver' && !this.#options.links.isBeside();
    if (isSilent) this.#note((receivers, key) => receivers.silent(key));
    const partial = guest && result && this.#judge(result, guest);
    throw new TransferFailure(code, message, { cause: error, partial });
  }

  #copy(): GuestCopy {
    const { target, destination, conflict } = this.#request;
    const { sourceSystem, signal, compression, delta, lanes, onProgress } = this.#options;
    return {
      ...{ target, destination, lanes, signal },
      options: {
        ...{ conflict, compression, delta, onProgress },
        // Cancelled or interrupted, it's in the list, from where it's retried.
        keepPartial: true,
        sourceSystem: rememberingStats(sourceSystem, this.#seen),
        onConflict: found => this.#decide(found),
      },
      onOpened: guest => this.#onOpened(guest),
    };
  }

  #onOpened({ session, link: { description }, hasChannel }: OpenGuest): void {
    this.#note((receivers, key) => receivers.answered(key, session.welcome.system));
    if (hasChannel && description.kind !== 'channel') this.#options.links.onSideLink(description.device);
  }

  async #decide(found: Conflict): Promise<ConflictDecision> {
    const { ownCopies, onConflict } = this.#options;
    const isOurs = this.#request.repeated && ownCopies.isAsLeft(targetKey(this.#request.target), found);
    return isOurs ? { action: 'overwrite' } : onConflict(found);
  }

  /** Of what is at the other end of a port nothing is kept: it may be another machine the next time. */
  #note(what: (receivers: Receivers, key: string) => void): void {
    const { target } = this.#request;
    if (target.kind === 'domain') what(this.#options.receivers, targetKey(target));
  }

  /** Also notes what is now in the guest because of us. */
  #judge(result: CopyResult, { session, link }: OpenGuest): CopySummary {
    for (const file of result.files) {
      const info = this.#seen.get(file.source);
      if (file.verified && info)
        this.#options.ownCopies.left(targetKey(this.#request.target), file.destination, {
          source: file.source,
          size: info.size,
          mtimeMs: info.mtimeMs,
        });
    }
    return summaryOf(result, link.description, session.welcome);
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
