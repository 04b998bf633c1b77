/** Texts about a whole job: one copy into one or several guests. */

import { targetName } from '../../engine/guest/target.ts';
import type { Job } from '../../engine/transfers/jobs.ts';
import { type CopySummary, isFinished, type Transfer } from '../../engine/transfers/transfer.ts';
import { formatDuration } from '../../text/units.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { nameOf, percentOf, progressText, rateText } from './progressText.ts';
import { failureText, sourcesText } from './transferText.ts';

/** A sentence names at most this many guests; for more it gives their number. */
const MAX_NAMED = 3;

export function jobTitle(job: Job): string {
  return l10n.t('Copying {0} to {1}', sourcesText(job[0].request), guestsText(namesOf(job)));
}

/** Such as "web", "web, db" or "5 guests". */
export function guestsText(names: readonly string[]): string {
  return names.length > MAX_NAMED
    ? l10n.t('{0} guests', names.length)
    : names.map(name => harmless(name)).join(', ');
}

/** Every guest counts the same, however much is copied to it. */
export function jobPercent(job: Job): number {
  const shares = job.map(({ state, progress }) => {
    if (isFinished(state)) return 100;
    return progress ? percentOf([progress]) : 0;
  });
  return Math.floor(shares.reduce((sum, share) => sum + share, 0) / job.length);
}

export function jobMessage(job: Job): string {
  const asking = job.find(one => one.asking !== undefined);
  if (asking) return askingText(asking, job.length > 1);
  const [{ request, state, progress }, ...others] = job;
  if (others.length > 0 && job.some(one => one.progress)) return manyNumbers(job);
  if (progress) return progressText(progress, sourcesText(request));
  if (state === 'queued') return l10n.t('waiting for earlier transfers…');
  return others.length > 0 ? l10n.t('looking for the receivers…') : l10n.t('looking for the receiver…');
}

function askingText({ request, asking }: Transfer, isOneOfMany: boolean): string {
  const name = nameOf(asking ?? '');
  return isOneOfMany
    ? l10n.t('waiting for your answer about {0} in {1}', name, harmless(targetName(request.target)))
    : l10n.t('waiting for your answer about {0}', name);
}

/** `45% · 103 kB/s · 0:28 left · 1 of 3 guests done`: the sum of all rates, and the time of the slowest guest. */
function manyNumbers(job: Job): string {
  const running = job.flatMap(({ progress }) => progress ?? []);
  const times = running.map(({ etaSeconds }) => etaSeconds);
  const known = times.filter(time => time !== undefined);
  const done = job.filter(({ state }) => isFinished(state)).length;
  return [
    `${jobPercent(job)}%`,
    rateText(running.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0)),
    ...(known.length === running.length ? [l10n.t('{0} left', formatDuration(Math.max(...known)))] : []),
    l10n.t('{0} of {1} guests done', done, job.length),
  ].join(' · ');
}

/** The text about how a copy into several guests ended, and the transfers that failed. */
export function jobResult(job: Job): { readonly text: string; readonly failed: readonly Transfer[] } {
  const done = job.filter(({ state }) => state === 'done');
  const failed = job.filter(({ state }) => state === 'failed');
  const what = sourcesText(job[0].request);
  if (failed.length === 0) return { text: doneText(what, done), failed };
  const reasons = failed
    .slice(0, MAX_NAMED)
    .map(one => `${harmless(targetName(one.request.target))}: ${failureText(one)}`);
  const text =
    done.length === 0
      ? l10n.t("{0} couldn't be copied to any of the {1} guests.", what, job.length)
      : l10n.t('{0} was copied to {1} of {2} guests.', what, done.length, job.length);
  return { text: [text, ...reasons].join(' '), failed };
}

/** Says "verified" only if it's true of every guest. */
function doneText(what: string, done: readonly Transfer[]): string {
  const guests = guestsText(namesOf(done));
  const all = (test: (outcome: CopySummary) => boolean) =>
    done.every(({ outcome }) => outcome && test(outcome));
  if (all(({ files, verified }) => verified === files))
    return l10n.t('Copied and verified: {0} → {1}.', what, guests);
  return all(({ skipped }) => skipped === 0)
    ? l10n.t('Up to date: {0} → {1}. Files of the same size and time were not copied.', what, guests)
    : l10n.t('Copied, but some files were skipped: {0} → {1}. See the details.', what, guests);
}

function namesOf(transfers: readonly Transfer[]): string[] {
  return transfers.map(({ request }) => targetName(request.target));
}
