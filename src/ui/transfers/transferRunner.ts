import { askConflict } from '../copy/askConflict.ts';
import { OwnCopies } from '../copy/ownCopies.ts';
import { sharedAnswers } from '../copy/sharedAnswers.ts';
import { workspaceFiles } from '../copy/workspaceFiles.ts';
import { type Engine, loadEngine } from '../loadEngine.ts';
import type { Receivers } from '../receivers.ts';
import { settings } from '../settings.ts';
import { type Run, runTransfers } from './runTransfers.ts';
import type { Completion, RunTransfers, TransferRun } from './transferList.ts';

/** Gives transfers what they need of the window: the settings of the moment, sources, and somebody to ask. */
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
        engine,
        receivers,
        ownCopies,
        sourceSystem: workspaceFiles(engine.localDisk, transfer.request.unsaved),
        signal,
        compression: settings.compression,
        delta: settings.delta,
        lanes: settings.lanes,
        onProgress,
        onConflict: conflict => ask(conflict, transfer.request.domain, signal, onAsking),
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
