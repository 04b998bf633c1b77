/**
 * What runs in every window: registers commands and views, and looks whether an interrupted copy should be offered.
 * Everything else is behind `ui/app.ts`, which is loaded when it's needed, so no more than types may be imported from
 * there.
 */
import * as vscode from 'vscode';
import type { GuestwireApi } from './ui/api.ts';
import { COMMAND_NAMES } from './ui/commands/command.ts';
import { LazyApp } from './ui/startUp/lazyApp.ts';
import { createViews, type LazyViews } from './ui/startUp/lazyViews.ts';
import { hasInterrupted, workspaceStore } from './ui/transfers/workspaceStore.ts';

let app: LazyApp | undefined;

export function activate({
  subscriptions,
  globalState,
  workspaceState,
}: vscode.ExtensionContext): GuestwireApi {
  const log = vscode.window.createOutputChannel('Guestwire', { log: true });
  const store = workspaceStore(workspaceState);
  const load = async () => {
    const { createApp } = await import('./ui/app.ts');
    return createApp({ globalState, store, domainsView: views.domains, transfersView: views.transfers, log });
  };
  const lazyApp = new LazyApp({ load, onFailure: error => void reportFailure(error, log) });
  const views: LazyViews = createViews(lazyApp);
  app = lazyApp;
  subscriptions.push(lazyApp, views, ...registerCommands(lazyApp), log);
  // The app itself offers it.
  if (hasInterrupted(store)) void lazyApp.use(() => undefined);
  return { copyToGuest: async (...args) => (await lazyApp.get()).api.copyToGuest(...args) };
}

/** The copies that run end before the window does. */
export async function deactivate(): Promise<void> {
  await app?.stop();
}

function registerCommands(app: LazyApp): vscode.Disposable[] {
  return COMMAND_NAMES.map(name =>
    vscode.commands.registerCommand(`guestwire.${name}`, (...args: unknown[]) =>
      app.use(({ run }) => run(name, args)),
    ),
  );
}

async function reportFailure(error: unknown, log: vscode.LogOutputChannel): Promise<void> {
  log.error(error instanceof Error ? error : String(error));
  // Not through ui/support/l10n.ts, which would bring the engine's messages along.
  const { l10n } = vscode;
  const text = l10n.t(
    "Guestwire couldn't start. Reload the window. If that doesn't help, reinstall the extension.",
  );
  const reload = l10n.t('Reload Window');
  const showLog = l10n.t('Show Log');
  const answer = await vscode.window.showErrorMessage(text, reload, showLog);
  if (answer === reload) await vscode.commands.executeCommand('workbench.action.reloadWindow');
  if (answer === showLog) log.show();
}
