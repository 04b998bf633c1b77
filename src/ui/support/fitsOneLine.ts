import { columnsOf } from '../../text/printable.ts';

/** A notification is 450 pixels wide, with an icon and two buttons of VS Code's own. */
const COLUMNS = 48;

export function fitsOneLine(text: string): boolean {
  return columnsOf(text) <= COLUMNS;
}
