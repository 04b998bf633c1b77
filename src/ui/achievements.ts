import * as vscode from 'vscode';
import type { Connections } from '../engine/connections/connections.ts';
import type { Receivers } from '../engine/connections/receivers.ts';
import type { TransferList } from '../engine/transfers/transferList.ts';

/** Context keys that tick the walkthrough's steps. VS Code remembers the ticks itself. */
type Achievement = 'connected' | 'receiverAnswered' | 'copied' | 'transferShown';

export interface AchievementParts {
  readonly connections: Connections;
  readonly receivers: Receivers;
  readonly transfers: TransferList;
}

/** Ticks a step when what it is about has succeeded. */
export function tickAchievements({ connections, receivers, transfers }: AchievementParts): vscode.Disposable {
  const achieved = new Set<Achievement>();
  const tick = (what: Achievement, isAchieved: boolean) => {
    if (!isAchieved || achieved.has(what)) return;
    achieved.add(what);
    void vscode.commands.executeCommand('setContext', `guestwire.${what}`, true);
  };
  const stops = [
    connections.changes.on(() =>
      tick(
        'connected',
        connections.all.some(({ status }) => status.kind === 'connected'),
      ),
    ),
    receivers.changes.on(key => tick('receiverAnswered', receivers.state(key) === 'ready')),
    transfers.changes.on(({ id = '' }) => {
      const transfer = transfers.get(id);
      tick('transferShown', transfer?.progress !== undefined);
      tick('copied', transfer?.state === 'done');
    }),
  ];
  return new vscode.Disposable(() => {
    for (const stop of stops) stop();
  });
}
