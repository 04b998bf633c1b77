import { columnsOf } from '../../text/printable.ts';

/** As wide as an editor beside the side bar. */
const COLUMNS = 76;
/** Japanese is written without blanks, and may be broken behind almost every character. */
const PARTS =
  /\s+|[\u3000-\u9fff\uf900-\ufaff\uff00-\uff60][、。」）]*|[^\s\u3000-\u9fff\uf900-\ufaff\uff00-\uff60]+/gu;

/** The text in lines that need no wrapping; what can't be broken, such as a path, stays whole. */
export function wrapped(text: string, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const [part] of text.matchAll(PARTS)) {
    const isBlank = part.trim() === '';
    if (!isBlank && line.trim() !== '' && columnsOf(line + part) > COLUMNS) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += isBlank ? ' ' : part;
  }
  return [...lines, line.trimEnd()].join('\n');
}
