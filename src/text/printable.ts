/**
 * Text from a guest, a domain's XML or a file name may hold escape sequences that would command the terminal,
 * or characters that hide or reorder what follows. They come out visible: `\x1b`, `\n`, `\u{202e}`.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}|[\u{e0000}-\u{e0fff}]/gu;

const NAMED: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

export function printable(text: string): string {
  return text.replace(UNSAFE, character => NAMED.get(character) ?? numbered(character.codePointAt(0) ?? 0));
}

function numbered(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** How many terminal columns a text takes; wide characters count two, combining ones none. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

function widthOf(character: string): number {
  if (/\p{M}/u.test(character)) return 0;
  return /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u.test(
    character,
  )
    ? 2
    : 1;
}

/** At most so many columns; what is cut is at the start, where paths differ least. */
export function fitColumns(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const characters = [...text];
  let width = 1;
  let start = characters.length;
  while (start > 0 && width + widthOf(characters[start - 1] ?? '') <= columns) {
    start -= 1;
    width += widthOf(characters[start] ?? '');
  }
  return columns < 1 ? '' : `…${characters.slice(start).join('')}`;
}
