import type { Readable, Writable } from 'node:stream';

export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };
export type InputStream = Readable & { readonly isTTY?: boolean };

/** Where the program's words go; the process's own streams, or a test's. */
export interface Terminal {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** Whether somebody can be asked. */
export function isInteractive(terminal: Terminal): boolean {
  return terminal.stdin.isTTY === true && terminal.stderr.isTTY === true;
}

export function printError(terminal: Terminal, sentence: string): void {
  terminal.stderr.write(`com-dd: ${sentence}\n`);
}
