import { promptOf } from '../../text/prompts.ts';

/** Longer lines are not the bootstrap's; a hostile guest could go on without end. */
const MAX_LINE_LENGTH = 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it takes out
const ESCAPES = /\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])/g;

/** What a terminal would show of a line: without escape sequences and other control characters. */
function plain(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it takes out
  return line.replace(ESCAPES, '').replace(/[\x00-\x1f\x7f]/g, '');
}

/** Whether a login is asked for, where a shell's prompt should be. */
export function isLoginPrompt(lastLine: string): boolean {
  return promptOf(plain(lastLine)) === 'login';
}

/** Whether the line looks like a shell waiting for a command. Nothing is typed on the strength of it without asking. */
export function isShellPrompt(lastLine: string): boolean {
  const shown = plain(lastLine);
  const prompt = promptOf(shown);
  // The signs of prompts that people have decorated.
  return prompt === 'shell' || (prompt === undefined && /[❯➜λ»] ?$/.test(shown));
}

/** Finds the bootstrap's answers in everything that appears on the console. */
export class AnswerReader {
  readonly #mark: string;
  readonly #onAnswer: (words: readonly string[]) => void;
  #line = '';

  constructor(mark: string, onAnswer: (words: readonly string[]) => void) {
    this.#mark = `${mark} `;
    this.#onAnswer = onAnswer;
  }

  push(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = (lines.pop() ?? '').slice(-MAX_LINE_LENGTH);
    for (const line of lines) {
      const shown = plain(line);
      // A message of the kernel may stand before it on the line.
      const at = shown.indexOf(this.#mark);
      if (at >= 0)
        this.#onAnswer(
          shown
            .slice(at + this.#mark.length)
            .trim()
            .split(' '),
        );
    }
  }
}
