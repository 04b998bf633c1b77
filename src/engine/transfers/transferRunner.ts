import type { SourceSystem } from '../../transfer/index.ts';
import type { Receivers } from '../connections/receivers.ts';
import { targetName } from '../guest/target.ts';
import { type Engine, loadEngine } from '../loadEngine.ts';
import { OwnCopies } from './ownCopies.ts';
import { type Run, type RunOptions, runTransfers } from './runTransfers.ts';
import { type AskConflict, sharedAnswers } from './sharedAnswers.ts';
import type { Completion, RunTransfers } from './transferList.ts';
import type { TransferRun } from './transferRun.ts';

/** What the window brings to its transfers. */
export interface TransferRunnerParts {
  readonly receivers: Receivers;
  /** Read anew for each transfer. */
  readonly settings: Pick<RunOptions, 'compression' | 'delta' | 'lanes'>;
  /** @param unsaved - the sources whose text is taken from the editor */
  readonly sourceSystem: (disk: SourceSystem, unsaved: readonly string[]) => SourceSystem;
  readonly ask: AskConflict;
  readonly cancel: (id: string) => void;
}

/** Runs transfers, loading what that takes when the first one's turn comes. */
export function transferRunner(parts: TransferRunnerParts): RunTransfers {
  const ownCopies = new OwnCopies();
  return runs => {
    const cancelAll = () => {
      for (const { transfer } of runs) parts.cancel(transfer.id);
    };
    const ask = sharedAnswers(parts.ask, cancelAll);
    const completions = loadEngine().then(engine =>
      runTransfers(
        engine,
        runs.map(run => runOf(run, { ...parts, ask, ownCopies, engine })),
      ),
    );
    return runs.map((_, index) => completions.then(all => all[index] as Promise<Completion>));
  };
}

type RunParts = TransferRunnerParts & { readonly ownCopies: OwnCopies; readonly engine: Engine };

function runOf({ transfer: { request }, ...run }: TransferRun, parts: RunParts): Run {
  const { signal, links, onProgress, onAsking } = run;
  const { receivers, ownCopies, engine, settings, ask } = parts;
  const { compression, delta, lanes } = settings;
  const sourceSystem = parts.sourceSystem(engine.localDisk, request.unsaved);
  const onConflict: RunOptions['onConflict'] = conflict =>
    ask(conflict, targetName(request.target), signal, onAsking);
  return {
    request,
    options: {
      ...{ receivers, ownCopies, sourceSystem, signal, links },
      ...{ compression, delta, lanes, onProgress, onConflict },
    },
  };
}
