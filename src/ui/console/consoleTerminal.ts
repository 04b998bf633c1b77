import * as vscode from 'vscode';
import type { ConsoleSession } from '../../engine/console/consoleSession.ts';

/**
 * The session as VS Code's terminal sees it. What the guest writes goes to the terminal as it is, escape sequences
 * included, as from any program.
 */
export function consoleTerminal(session: ConsoleSession): vscode.Pseudoterminal {
  const writes = new vscode.EventEmitter<string>();
  const stop = session.output.on(text => writes.fire(text));
  return {
    onDidWrite: writes.event,
    open: dimensions => void session.connect(dimensions),
    setDimensions: dimensions => session.resize(dimensions),
    handleInput: text => session.input(text),
    close: () => {
      session.dispose();
      stop();
      writes.dispose();
    },
  };
}
