import * as vscode from 'vscode';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import { ConsoleSession } from '../../engine/console/consoleSession.ts';
import { DomainConsole } from '../../engine/console/domainConsole.ts';
import { domainKey } from '../../engine/guest/target.ts';
import { loadEngine } from '../../engine/loadEngine.ts';
import type { Candidate } from '../../link/index.ts';
import { harmless } from '../support/harmless.ts';
import { localized } from '../support/l10n.ts';
import { confirmTakeOver } from './confirmTakeOver.ts';
import { consoleTerminal } from './consoleTerminal.ts';

/** A console with its terminal. */
export interface OpenConsole {
  readonly session: ConsoleSession;
  readonly terminal: vscode.Terminal;
  readonly candidate: Candidate;
}

/** The consoles in VS Code's terminals, at most one per device. */
export class Consoles {
  readonly #open = new Map<string, OpenConsole>();
  readonly #following = vscode.Disposable.from(
    vscode.window.onDidCloseTerminal(terminal => this.#forget(terminal)),
    vscode.window.onDidChangeActiveTerminal(() => this.#tellWhetherActive()),
  );

  /** Shows the console's terminal, creating it if needed. */
  show(place: DomainPlace, candidate: Candidate): OpenConsole {
    const key = keyOf(place, candidate);
    const console = this.#open.get(key) ?? create(place, candidate);
    this.#open.set(key, console);
    console.terminal.show();
    this.#tellWhetherActive();
    return console;
  }

  get(place: DomainPlace, candidate: Candidate): OpenConsole | undefined {
    return this.#open.get(keyOf(place, candidate));
  }

  /** The one in this terminal, or in the terminal that is used now. */
  find(terminal: unknown): OpenConsole | undefined {
    const all = [...this.#open.values()];
    const named = all.find(console => console.terminal === terminal);
    return named ?? all.find(console => console.terminal === vscode.window.activeTerminal);
  }

  dispose(): void {
    this.#following.dispose();
    for (const { terminal } of this.#open.values()) terminal.dispose();
    this.#open.clear();
  }

  /** For the menus of terminals, of which VS Code says only that they are terminals. */
  #tellWhetherActive(): void {
    void vscode.commands.executeCommand(
      'setContext',
      'guestwire.inConsole',
      this.find(undefined) !== undefined,
    );
  }

  #forget(terminal: vscode.Terminal): void {
    for (const [key, console] of this.#open) if (console.terminal === terminal) this.#open.delete(key);
  }
}

function keyOf({ connection, domain }: DomainPlace, { device }: Candidate): string {
  return `${domainKey(connection.uri, domain.uuid)}\n${device}`;
}

function create(place: DomainPlace, candidate: Candidate): OpenConsole {
  const session = new ConsoleSession(
    new DomainConsole(place, candidate, { loadEngine, confirmTakeOver }),
    localized,
  );
  const terminal = vscode.window.createTerminal({
    name: `${harmless(place.domain.name)} (${harmless(candidate.device)})`,
    pty: consoleTerminal(session),
    iconPath: new vscode.ThemeIcon('vm'),
    // Not restored after a reload, because the console behind it would be gone.
    isTransient: true,
  });
  return { session, terminal, candidate };
}
