import { PassThrough } from 'node:stream';
import type { Terminal } from '../../../src/cli/terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly stdin: PassThrough & { isTTY: boolean };
  /** All that was printed so far. */
  out(): string;
  err(): string;
}

export function fakeTerminal(isTTY = false, columns = 80): FakeTerminal {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = recorder(isTTY, columns);
  const errors = recorder(isTTY, columns);
  return {
    stdin: input,
    stdout: output.stream,
    stderr: errors.stream,
    out: output.text,
    err: errors.text,
  };
}

function recorder(isTTY: boolean, columns: number) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return { stream, text: () => text };
}
