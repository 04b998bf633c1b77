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

/** `notes.txt  45%  1.20 MB of 2.67 MB  51.8 kB/s  0:28 left  3/12 files`, with the name cut to fit. */
export function progressText(progress: CopyProgress, columns: number): string {
  const { bytesDone, bytesTotal, bytesPerSecond, etaSeconds, filesDone, filesTotal } = progress;
  const parts = [
    `${percentOf(progress)}%`,
    ...(bytesTotal > 0
      ? [`${formatBytes(bytesDone)} of ${formatBytes(Math.max(bytesDone, bytesTotal))}`]
      : []),
    `${formatBytes(bytesPerSecond)}/s`,
  ];
  if (etaSeconds !== undefined) parts.push(`${formatDuration(etaSeconds)} left`);
  if (filesTotal > 1) parts.push(`${filesDone}/${filesTotal} files`);
  const rest = parts.join('  ');
  const room = columns - columnsOf(rest) - 2;
  const name = room < 4 ? '' : `${fitColumns(printable(basename(progress.file)), room)}  `;
  return name + rest;
}

/** 100 only when all is there: the last percent must not stand while bytes are missing. */
function percentOf({ bytesDone, bytesTotal, filesDone, filesTotal }: CopyProgress): number {
  const [done, total] = bytesTotal > 0 ? [bytesDone, bytesTotal] : [filesDone, filesTotal];
  return total > 0 ? Math.min(100, Math.max(0, Math.floor((100 * done) / total))) : 0;
}
