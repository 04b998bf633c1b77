import { createHash, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { AnswerReader } from './answers.ts';
import { answerMark, pythonLine, shellLine } from './bootstrapLine.ts';
import type { Conversation } from './conversation.ts';

export type SendErrorCode =
  | 'cancelled' // Ctrl-C, or the console ended
  | 'no-shell' // nobody took the line as a command, or there is no python3
  | 'refused' // the guest says why it could not be done
  | 'silent' // the guest began, and then answered no more
  | 'wrong-hash'; // the file in the guest is not the one that was sent

/** Why the receiver is not in the guest. `message`: the guest's own words, if it had any. */
export class SendError extends Error {
  override readonly name = 'SendError';
  readonly code: SendErrorCode;

  constructor(code: SendErrorCode, message = '') {
    super(message);
    this.code = code;
  }
}

export interface SendOptions {
  readonly conversation: Conversation;
  readonly receiver: Buffer;
  /** Whether to start it afterwards. */
  readonly start: boolean;
  /** From 0 to 1. */
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
  readonly patience?: Patience;
}

export interface Patience {
  /** Python may have to be read from a slow disk first. */
  readonly readyMs: number;
  readonly answerMs: number;
}

export interface SentReceiver {
  /** Of the file, computed in the guest. */
  readonly sha256: string;
  /** What became of the start; undefined if it wasn't asked for. */
  readonly started: { readonly running: boolean; readonly said: string } | undefined;
}

const PATIENCE: Patience = { readyMs: 30_000, answerMs: 25_000 };
/** Two of them fit into a terminal's buffer of 4095 bytes. */
const CHUNK_LENGTH = 2000;
/** Takes away what somebody may have typed at the prompt already. */
const CTRL_U = '\x15';
const CTRL_C = '\x03';

/**
 * Types a command into the shell of an open console which takes the receiver's file from there, sends it, and compares
 * hashes. Nothing but one short line is typed until it answers. @throws SendError
 */
export async function sendReceiver(options: SendOptions): Promise<SentReceiver> {
  const { conversation, receiver, start, patience = PATIENCE } = options;
  const nonce = randomBytes(6).toString('hex');
  const sha256 = createHash('sha256').update(receiver).digest('hex');
  const text = await textOf(receiver);
  const answers = new Answers(options, answerMark(nonce));
  try {
    const facts = { textLength: text.length, chunkLength: CHUNK_LENGTH, sha256, nonce, start };
    conversation.send(`${CTRL_U}${shellLine(nonce)}\r`);
    await answers.expect('line', patience.readyMs, 'no-shell');
    conversation.send(`${pythonLine(facts)}\r`);
    await answers.expect('ready', patience.answerMs);
    await sendText(text, answers, options);
    const [hash = ''] = await answers.expect('hash', patience.answerMs);
    if (hash !== sha256) throw new SendError('wrong-hash', hash);
    const started = start ? await startOf(answers, patience) : undefined;
    await answers.expect('end', patience.answerMs);
    return { sha256: hash, started };
  } catch (error) {
    // Whatever runs there gives the terminal its settings back then.
    if (error instanceof SendError && error.code !== 'no-shell') conversation.send(CTRL_C);
    throw error;
  } finally {
    answers.dispose();
  }
}

/** What is typed for the file: base64 of its deflated bytes. */
export async function textOf(receiver: Buffer): Promise<string> {
  return (await promisify(deflate)(receiver, { level: 9 })).toString('base64');
}

async function sendText(
  text: string,
  answers: Answers,
  { conversation, onProgress, patience = PATIENCE }: SendOptions,
): Promise<void> {
  for (let start = 0; start < text.length; start += CHUNK_LENGTH) {
    const end = Math.min(text.length, start + CHUNK_LENGTH);
    conversation.send(text.slice(start, end));
    const [got] = await answers.expect('got', patience.answerMs);
    if (got !== String(end)) throw new SendError('silent');
    onProgress?.(end / text.length);
  }
}

async function startOf(answers: Answers, { answerMs }: Patience): Promise<SentReceiver['started']> {
  const [word, ...said] = await answers.next(answerMs, 'silent');
  return { running: word === 'runs', said: said.join(' ') };
}

/** The bootstrap's answers, one after the other. */
class Answers {
  readonly #queue: (readonly string[])[] = [];
  readonly #stop: () => void;
  readonly #signals: readonly AbortSignal[];
  #wake: (() => void) | undefined;

  constructor({ conversation, signal }: SendOptions, mark: string) {
    const reader = new AnswerReader(mark, words => {
      this.#queue.push(words);
      this.#wake?.();
    });
    this.#stop = conversation.listen(text => reader.push(text));
    this.#signals = signal ? [conversation.signal, signal] : [conversation.signal];
  }

  /** The words after the expected one. */
  async expect(
    word: string,
    timeoutMs: number,
    otherwise: SendErrorCode = 'silent',
  ): Promise<readonly string[]> {
    const [first, ...rest] = await this.next(timeoutMs, otherwise);
    if (first === word) return rest;
    if (first === 'failed') throw new SendError('refused', rest.join(' '));
    throw new SendError('silent');
  }

  async next(timeoutMs: number, otherwise: SendErrorCode): Promise<readonly string[]> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const ends = AbortSignal.any([...this.#signals, deadline]);
    const ended = () => this.#wake?.();
    ends.addEventListener('abort', ended, { once: true });
    try {
      while (this.#queue.length === 0 && !ends.aborted) {
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
      }
    } finally {
      ends.removeEventListener('abort', ended);
      this.#wake = undefined;
    }
    const words = this.#queue.shift();
    if (words) return words;
    throw new SendError(this.#signals.some(({ aborted }) => aborted) ? 'cancelled' : otherwise);
  }

  dispose(): void {
    this.#stop();
  }
}
