import type { Receivers } from '../../engine/connections/receivers.ts';
import { targetName } from '../../engine/guest/target.ts';
import { type Engine, loadEngine } from '../../engine/loadEngine.ts';
import { OwnCopies } from '../../engine/transfers/ownCopies.ts';
import { type Run, runTransfers } from '../../engine/transfers/runTransfers.ts';
import { sharedAnswers } from '../../engine/transfers/sharedAnswers.ts';
import type { Completion, RunTransfers, TransferRun } from '../../engine/transfers/transferList.ts';
import { settings } from '../settings.ts';
import { workspaceFiles } from '../sources/workspaceFiles.ts';
import { askConflict } from './askConflict.ts';

/** Runs transfers with the current settings, VS Code's files as sources, and questions asked in the window. */
export function transferRunner(receivers: Receivers, cancel: (id: string) => void): RunTransfers {
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
        sourceSystem: workspaceFiles(engine.localDisk, transfer.request.unsaved),
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
