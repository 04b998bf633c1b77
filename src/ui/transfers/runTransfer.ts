import type { GuestRequest, OpenGuest } from '../../cli/openGuest.ts';
import type {
  Conflict,
  ConflictDecision,
  CopyOptions,
  CopyResult,
  Progress,
  SourceInfo,
  SourceSystem,
} from '../../transfer/index.ts';
import type { OwnCopies } from '../copy/ownCopies.ts';
import type { Engine } from '../loadEngine.ts';
import { domainKey, type Receivers } from '../receivers.ts';
import { describeFailure } from './describeFailure.ts';
import { outcomeOf } from './outcome.ts';
import { type CopyRequest, laneOf, type Outcome } from './transfer.ts';
import { TransferFailure } from './transferFailure.ts';
import type { Completion } from './transferList.ts';

export interface RunOptions {
  readonly engine: Engine;
  readonly receivers: Receivers;
  readonly ownCopies: OwnCopies;
  readonly sourceSystem: SourceSystem;
  readonly signal: AbortSignal;
  readonly compression: NonNullable<CopyOptions['compression']>;
  readonly delta: NonNullable<CopyOptions['delta']>;
  readonly lanes: NonNullable<GuestRequest['lanes']>;
  readonly onProgress: (progress: Progress) => void;
  readonly onConflict: (conflict: Conflict) => Promise<ConflictDecision>;
}

/** One copy from connecting to closing. @throws TransferFailure */
export async function runTransfer(request: CopyRequest, options: RunOptions): Promise<Completion> {
  let guest: OpenGuest | undefined;
  let partial: Outcome | undefined;
  const onInterrupted = (outcome: Outcome) => {
    partial = outcome;
  };
  try {
    guest = await openGuest(request, options);
    return await copyInto(guest, request, { ...options, onInterrupted });
  } catch (thrown) {
    const { engine, signal } = options;
    const error = guest && !signal.aborted ? await engine.diagnose(thrown, guest) : thrown;
    throw failureOf(error, request, options, { guest, partial });
  } finally {
    await guest?.close().catch(() => undefined);
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

async function copyInto(
  { session, link }: OpenGuest,
  request: CopyRequest,
  options: RunOptions & { onInterrupted: (outcome: Outcome) => void },
): Promise<Completion> {
  const { engine, ownCopies, signal, compression, delta, onProgress, onConflict } = options;
  const { sources, destination, conflict } = request;
  const target = laneOf(request);
  const seen = new Map<string, SourceInfo>();
  const note = ({ files }: CopyResult) => {
    for (const file of files) {
      const info = seen.get(file.source);
      if (file.verified && info) ownCopies.left(target, file.destination, info);
    }
  };
  const judge = (result: CopyResult) => outcomeOf(result, link.description.label, session.welcome);
  const result = await engine.copy(session, sources, destination, {
    conflict,
    compression,
    delta,
    sourceSystem: rememberingStats(options.sourceSystem, seen),
    signal,
    onProgress,
    onConflict: async found =>
      request.repeated && ownCopies.isAsLeft(target, found) ? { action: 'overwrite' } : onConflict(found),
    onInterrupted: broken => {
      note(broken);
      options.onInterrupted(judge(broken));
    },
  });
  note(result);
  return { result, outcome: judge(result) };
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
