import { basename } from 'node:path';
import { columnsOf, fitColumns, printable } from '../text/printable.ts';
import { formatBytes, formatDuration } from '../text/units.ts';
import type { CopyProgress } from '../transfer/index.ts';
import type { OutputStream } from './terminal.ts';

const CLEAR_LINE = '\r\u001b[K';
const DEFAULT_COLUMNS = 80;

/** One line of a terminal that shows how far the copy is; it shows nothing where there is no terminal. */
export class ProgressLine {
  readonly #output: OutputStream;
  readonly #enabled: boolean;
  #shown = false;

  constructor(output: OutputStream, quiet: boolean) {
    this.#output = output;
    this.#enabled = output.isTTY === true && !quiet;
  }

  show(progress: CopyProgress): void {
    // Until the first file is known, what stands there says more.
    if (progress.file !== '') this.text(progressText(progress, this.#columns));
  }

  text(text: string): void {
    if (!this.#enabled) return;
    this.#output.write(CLEAR_LINE + fitColumns(text, this.#columns));
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) this.#output.write(CLEAR_LINE);
    this.#shown = false;
  }

  /** One less than there are: a full line would wrap on some terminals. */
  get #columns(): number {
    return (this.#output.columns || DEFAULT_COLUMNS) - 1;
  }
}

/**
 * `notes.txt  45%  1.20 MB of 2.67 MB  51.8 kB/s  0:28 left  3/12 files`, with the name cut to fit. Where there's less
 * room whole parts are left out, those first that say least: a number cut in two would be a wrong one.
 */
export function progressText(progress: CopyProgress, columns: number): string {
  const rest = textThatFits(partsOf(progress), columns);
  const room = columns - columnsOf(rest) - 2;
  const name = room < 4 ? '' : `${fitColumns(printable(basename(progress.file)), room)}  `;
  return name + rest;
}

/** What is shown, and the order in which it's given up; the last to go is 0. */
type Part = readonly [rank: number, text: string];

function partsOf(progress: CopyProgress): Part[] {
  const { bytesDone, bytesTotal, bytesPerSecond, etaSeconds, filesDone, filesTotal } = progress;
  const parts: Part[] = [
    [0, `${percentOf(progress)}%`],
    [1, `${formatBytes(bytesPerSecond)}/s`],
  ];
  const bytes = `${formatBytes(bytesDone)} of ${formatBytes(Math.max(bytesDone, bytesTotal))}`;
  if (bytesTotal > 0) parts.splice(1, 0, [3, bytes]);
  if (etaSeconds !== undefined) parts.push([2, `${formatDuration(etaSeconds)} left`]);
  if (filesTotal > 1) parts.push([4, `${filesDone}/${filesTotal} files`]);
  return parts;
}

function textThatFits(parts: readonly Part[], columns: number): string {
  const text = parts.map(([, part]) => part).join('  ');
  if (text.length <= columns || parts.length === 0) return text;
  const highest = Math.max(...parts.map(([rank]) => rank));
  return textThatFits(
    parts.filter(([rank]) => rank !== highest),
    columns,
  );
}

/** 100 only when all is there: the last percent must not stand while bytes are missing. */
function percentOf({ bytesDone, bytesTotal, filesDone, filesTotal }: CopyProgress): number {
  const [done, total] = bytesTotal > 0 ? [bytesDone, bytesTotal] : [filesDone, filesTotal];
  return total > 0 ? Math.min(100, Math.max(0, Math.floor((100 * done) / total))) : 0;
}
