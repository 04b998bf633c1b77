// The host's side of guestAgent.sh: commands run one at a time in the guest, each answered by one line.
import net from 'node:net';
import readline from 'node:readline';
import { pollUntil } from './polling.ts';

export interface CommandResult {
  status: number;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** Default 60 000. The command is killed in the guest (status 137) when it takes longer. */
  timeoutMs?: number;
}

export class GuestShell {
  readonly #socketPath: string;
  #socket: net.Socket | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #sequence = 0;
  #answers = new Map<string, (fields: string[]) => void>();

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Connects, then waits until the guest has booted as far as its agent. */
  async open(timeoutMs: number): Promise<void> {
    await pollUntil(`the test guest's socket ${this.#socketPath} can be opened`, () => this.#connect());
    const ready = new Promise<string[]>(resolve => this.#answers.set('ready', resolve));
    // An agent that said it before we connected says it again; one that has not started yet reads it later.
    this.#socket?.write('hello\n');
    await within(ready, timeoutMs, `the test guest did not boot within ${timeoutMs} ms`);
  }

  /** Runs one command with the guest's busybox shell; several callers wait for each other. */
  run(command: string, options: CommandOptions = {}): Promise<CommandResult> {
    const result = this.#last.then(() => this.#runNow(command, options.timeoutMs ?? 60_000));
    this.#last = result.catch(() => {});
    return result;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #runNow(command: string, timeoutMs: number): Promise<CommandResult> {
    if (!this.#socket || this.#socket.destroyed) throw new Error('the test guest is off');
    const id = `c${++this.#sequence}`;
    const answer = new Promise<string[]>(resolve => this.#answers.set(id, resolve));
    const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
    this.#socket.write(`${id} ${seconds} ${Buffer.from(command).toString('base64')}\n`);
    // The guest ends the command itself; only a guest that hangs or is gone leaves us without an answer.
    const [status, out, err] = await within(
      answer,
      timeoutMs + 15_000,
      `the test guest gave no answer to: ${command}`,
    );
    return { status: Number(status), stdout: decode(out), stderr: decode(err) };
  }

  #connect(): Promise<boolean> {
    return new Promise(resolve => {
      const socket = net.connect(this.#socketPath);
      socket.once('error', () => resolve(false));
      socket.once('connect', () => {
        this.#socket = socket;
        socket.on('error', () => {});
        readline.createInterface({ input: socket }).on('line', line => this.#dispatch(line));
        resolve(true);
      });
    });
  }

  #dispatch(line: string): void {
    const [id = '', ...fields] = line.split(' ');
    this.#answers.get(id)?.(fields);
    this.#answers.delete(id);
  }
}

/** Fields carry a leading `=`, so that an empty one is still a field. */
function decode(field: string | undefined): string {
  return Buffer.from((field ?? '').slice(1), 'base64').toString('utf8');
}

async function within<T>(promise: Promise<T>, timeoutMs: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), timeoutMs);
  });
  return Promise.race([promise, expired]).finally(() => clearTimeout(timer));
}
