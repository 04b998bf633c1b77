import { columnsOf } from './printable.ts';

/** Japanese is written without blanks, and may be broken behind almost every character. */
const PARTS =
  /\s+|[\u3000-\u9fff\uf900-\ufaff\uff00-\uff60][、。」）]*|[^\s\u3000-\u9fff\uf900-\ufaff\uff00-\uff60]+/gu;

/**
 * The text in lines of at most so many columns; what can't be broken, such as a path, stays whole.
 *
 * @param indent - stands before every line but the first
 */
export function wrapped(text: string, columns: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const [part] of text.matchAll(PARTS)) {
    const isBlank = part.trim() === '';
    if (!isBlank && line.trim() !== '' && columnsOf(line + part) > columns) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += isBlank ? ' ' : part;
  }
  return [...lines, line.trimEnd()].join('\n');
}
