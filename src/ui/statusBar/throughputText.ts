import { targetName } from '../../engine/guest/target.ts';
import type { Transfer } from '../../engine/transfers/transfer.ts';
import { formatBytes, formatDuration } from '../../text/units.ts';
import type { CopyProgress } from '../../transfer/index.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { percentOf, rateText } from '../transfers/progressText.ts';
import { failureText, outcomeText, resultText, sourcesText } from '../transfers/transferText.ts';

export interface Readout {
  /** May contain VS Code's `$(icon)`. */
  readonly text: string;
  readonly tooltip: string;
  readonly accessibleLabel: string;
}

/** While transfers run: their total rate and progress. */
export function presentThroughput(transfers: readonly Transfer[], history: readonly number[]): Readout {
  const running = transfers.filter(({ state }) => state === 'running');
  const queued = transfers.filter(({ state }) => state === 'queued').length;
  const progress = running.flatMap(one => one.progress ?? []);
  const rate = rateText(total(progress, 'bytesPerSecond'));
  const percent = `${percentOf(progress)}%`;
  const tooltip = [
    running.length === 1 ? l10n.t('Copying to a guest') : l10n.t('{0} transfers running', running.length),
    ...(queued > 0 ? [l10n.t('{0} waiting', queued)] : []),
    l10n.t('Effective: {0}', rate),
    l10n.t('On the wire: {0}', rateText(total(progress, 'wireBytesPerSecond'))),
    l10n.t(
      '{0} of {1}',
      formatBytes(total(progress, 'bytesDone')),
      formatBytes(total(progress, 'bytesTotal')),
    ),
    ...timeLeft(progress),
    ...(history.length > 1 ? [l10n.t('{0}  last {1} s', sparkline(history), history.length)] : []),
    '',
    ...running.map(runningLine),
  ];
  if (running.some(({ asking }) => asking !== undefined)) {
    const text = l10n.t('waiting for your answer');
    return { text: `$(question) ${text}`, tooltip: tooltip.join('\n'), accessibleLabel: text };
  }
  return {
    text: `$(cloud-upload) ${rate} ${percent}`,
    tooltip: tooltip.join('\n'),
    accessibleLabel: l10n.t('Copying to guests: {0}, {1}', rate, percent),
  };
}

/** The last transfer's result; undefined if it was cancelled or interrupted. */
export function presentLast({ state, request, outcome, error }: Transfer): Readout | undefined {
  if (state === 'done' && outcome) {
    const tooltip = outcomeText(request, outcome);
    return { text: `$(pass) ${resultText(outcome)}`, tooltip, accessibleLabel: tooltip };
  }
  if (state !== 'failed') return undefined;
  const tooltip = failureText({ request, outcome, error });
  return { text: `$(warning) ${l10n.t('copy failed')}`, tooltip, accessibleLabel: tooltip };
}

function runningLine({ request, progress }: Transfer): string {
  const line = `${sourcesText(request)} → ${harmless(targetName(request.target))}`;
  return progress ? `${line}  ${percentOf([progress])}%  ${rateText(progress.bytesPerSecond)}` : line;
}

/** The transfers run in parallel, so the longest time counts; unknown as long as one of them is. */
function timeLeft(progress: readonly CopyProgress[]): string[] {
  const times = progress.map(({ etaSeconds }) => etaSeconds);
  const known = times.filter(time => time !== undefined);
  if (known.length === 0 || known.length < times.length) return [];
  return [l10n.t('{0} left', formatDuration(Math.max(...known)))];
}

function total(
  progress: readonly CopyProgress[],
  key: 'bytesPerSecond' | 'wireBytesPerSecond' | 'bytesDone' | 'bytesTotal',
): number {
  return progress.reduce((sum, one) => sum + one[key], 0);
}

const BARS = '▁▂▃▄▅▆▇█';

/** A text graph with one character per value, scaled to the largest one. */
export function sparkline(values: readonly number[]): string {
  const largest = Math.max(...values, 0);
  const top = BARS.length - 1;
  return values.map(value => BARS[largest > 0 ? Math.round((value / largest) * top) : 0] ?? '').join('');
}

/** Keeps the last few values. */
export class History {
  readonly #length: number;
  #values: number[] = [];

  constructor(length: number) {
    this.#length = length;
  }

  get values(): readonly number[] {
    return this.#values;
  }

  add(value: number): void {
    this.#values = [...this.#values, value].slice(-this.#length);
  }

  clear(): void {
    this.#values = [];
  }
}
