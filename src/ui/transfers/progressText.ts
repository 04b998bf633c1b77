import { basename, posix } from 'node:path';
import { formatBytes, formatDuration } from '../../text/units.ts';
import type { CopyProgress } from '../../transfer/index.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';

/** 100 only when every file is finished. */
export function percentOf(
  progress: readonly Pick<CopyProgress, 'bytesDone' | 'bytesTotal' | 'filesDone' | 'filesTotal'>[],
): number {
  const sum = (key: 'bytesDone' | 'bytesTotal' | 'filesDone' | 'filesTotal') =>
    progress.reduce((total, one) => total + one[key], 0);
  const bytes = sum('bytesTotal');
  const [done, total] = bytes > 0 ? [sum('bytesDone'), bytes] : [sum('filesDone'), sum('filesTotal')];
  // All bytes of a file may be in the guest while it still waits for an answer or for its verification.
  const limit = progress.some(({ filesDone, filesTotal }) => filesDone < filesTotal) ? 99 : 100;
  return total > 0 ? Math.min(limit, Math.max(0, Math.floor((100 * done) / total))) : 0;
}

/**
 * `notes.txt — 45% · 1.20 MB of 2.67 MB · 51.8 kB/s · 0:28 left · 3 of 12 files`.
 *
 * @param known - the name in the title, which isn't repeated
 */
export function progressText(progress: CopyProgress, known: string): string {
  const name = nameOf(progress.file);
  const numbers = progressNumbers(progress);
  return name === '' || name === known ? numbers : `${name} — ${numbers}`;
}

/** `45% · 51.8 kB/s · 0:28 left` */
export function shortNumbers(progress: CopyProgress): string {
  const { bytesPerSecond, etaSeconds, filesTotal } = progress;
  if (filesTotal === 0) return l10n.t('starting…');
  const left = etaSeconds === undefined ? [] : [l10n.t('{0} left', formatDuration(etaSeconds))];
  return [`${percentOf([progress])}%`, rateText(bytesPerSecond), ...left].join(' · ');
}

function progressNumbers(progress: CopyProgress): string {
  const { bytesDone, bytesTotal, bytesPerSecond, etaSeconds, filesDone, filesTotal } = progress;
  if (filesTotal === 0) return l10n.t('starting…');
  const parts = [`${percentOf([progress])}%`];
  // There are none in empty files, nor in those that the guest has already.
  if (bytesTotal > 0) {
    const done = formatBytes(bytesDone);
    parts.push(l10n.t('{0} of {1}', done, formatBytes(Math.max(bytesDone, bytesTotal))));
    parts.push(rateText(bytesPerSecond));
  }
  if (etaSeconds !== undefined) parts.push(l10n.t('{0} left', formatDuration(etaSeconds)));
  if (filesTotal > 1) parts.push(l10n.t('{0} of {1} files', filesDone, filesTotal));
  return parts.join(' · ');
}

export function rateText(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

const SCHEME = /^[a-z][\w+.-]+:/i;

/** The last part of a path or URI, made harmless. */
export function nameOf(source: string): string {
  if (!SCHEME.test(source)) return harmless(basename(source));
  return harmless(decoded(posix.basename(source.replace(SCHEME, '').replace(/[?#].*$/, ''))));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
