import * as vscode from 'vscode';
import type { ConsoleSession } from '../../engine/console/consoleSession.ts';

/** Adapts the session to VS Code's terminal. */
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
