import type { SourceSystem } from '../../transfer/index.ts';
import type { Receivers } from '../connections/receivers.ts';
import { targetName } from '../guest/target.ts';
import type { Engine } from '../loadEngine.ts';
import { OwnCopies } from './ownCopies.ts';
import { type Run, type RunOptions, runTransfers } from './runTransfers.ts';
import { type AskConflict, sharedAnswers } from './sharedAnswers.ts';
import type { Completion, RunTransfers, TransferRun } from './transferList.ts';

export interface TransferRunnerParts {
  readonly receivers: Receivers;
  /** Read anew for each transfer. */
  readonly settings: Pick<RunOptions, 'compression' | 'delta' | 'lanes'>;
  readonly loadEngine: () => Promise<Engine>;
  /** @param unsaved - the sources whose text is taken from the editor */
  readonly sourcesFrom: (disk: SourceSystem, unsaved: readonly string[]) => SourceSystem;
  readonly askConflict: AskConflict;
  readonly cancel: (id: string) => void;
}

/** Runs transfers with the current settings. A cancelled question cancels all transfers of the same copy. */
export function transferRunner(parts: TransferRunnerParts): RunTransfers {
  const { receivers, settings, loadEngine, sourcesFrom, askConflict, cancel } = parts;
  const ownCopies = new OwnCopies();
  return runs => {
    const cancelAll = () => {
      for (const { transfer } of runs) cancel(transfer.id);
    };
    const ask = sharedAnswers(askConflict, cancelAll);
    const options = (engine: Engine, { transfer, signal, onProgress, onAsking }: TransferRun): Run => ({
      request: transfer.request,
      options: {
        receivers,
        ownCopies,
        sourceSystem: sourcesFrom(engine.localDisk, transfer.request.unsaved),
        signal,
        compression: settings.compression,
        delta: settings.delta,
        lanes: settings.lanes,
        onProgress,
        onConflict: conflict => ask(conflict, targetName(transfer.request.target), signal, onAsking),
      },
    });
    const completions = loadEngine().then(engine =>
      runTransfers(
        engine,
        runs.map(run => options(engine, run)),
      ),
    );
    return runs.map((_, index) => completions.then(all => all[index] as Promise<Completion>));
  };
}
