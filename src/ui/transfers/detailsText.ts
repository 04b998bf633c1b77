/** All that's known of a transfer, for a document of its own: short lines, the result first. */
import { targetName } from '../../engine/guest/target.ts';
import type { Job } from '../../engine/transfers/jobs.ts';
import { type CopySummary, canResume, type Transfer } from '../../engine/transfers/transfer.ts';
import { wrapped } from '../../text/wrapped.ts';
import { harmless } from '../support/harmless.ts';
import { dateText, l10n, localized } from '../support/l10n.ts';
import { guestsText } from './jobText.ts';
import { rateText } from './progressText.ts';
import { stateText } from './transferPresentation.ts';
import { failureText, hashLines, linkText, outcomeText, resumeText, sourcesText } from './transferText.ts';

/** As wide as an editor beside the side bar. */
const COLUMNS = 76;

/** Such as "server.log → web". */
export function detailsTitle(job: Job): string {
  return `${sourcesText(job[0].request)} → ${guestsText(job.map(({ request }) => targetName(request.target)))}`;
}

/** One guest's part after the other. */
export function jobDetails(job: Job): string {
  return job.map(detailsText).join('\n\n');
}

export function detailsText(transfer: Transfer): string {
  const { outcome } = transfer;
  const parts = [
    [detailsTitle([transfer])],
    resultSentence(transfer)
      .split('\n')
      .map(line => wrapped(line, COLUMNS)),
    facts(transfer),
    ...(outcome ? outcomeParts(outcome) : []),
  ];
  return `${parts.map(lines => lines.join('\n')).join('\n\n')}\n`;
}

function resultSentence({ request, state, outcome, error, ...rest }: Transfer): string {
  if (state === 'done' && outcome) return outcomeText(request, outcome);
  if (state === 'failed') return failureText({ request, outcome, error });
  const sentence = error ? localized(error.message) : stateText({ request, state, outcome, error, ...rest });
  return canResume(state) ? `${sentence}\n${resumeText()}` : sentence;
}

function facts({ request, outcome, startedAt, endedAt }: Transfer): string[] {
  const { target, destination, sources } = request;
  const [started, ended] = [startedAt, endedAt].map(time => time && dateText(time));
  return [
    l10n.t('Domain: {0}', harmless(targetName(target))),
    l10n.t('Connection: {0}', harmless(target.kind === 'domain' ? target.uri : target.path)),
    ...(outcome ? [linkText(outcome)] : []),
    l10n.t('Destination: {0}', harmless(destination)),
    ...sources.map(source => l10n.t('Source: {0}', harmless(source))),
    ...(started ? [l10n.t('Started: {0}', started)] : []),
    ...(ended ? [l10n.t('Ended: {0}', ended)] : []),
  ];
}

function outcomeParts(outcome: CopySummary): string[][] {
  const { failures, notes = [], grown = [], hashes } = outcome;
  return [
    numbers(outcome),
    ...(failures.length > 0
      ? [[l10n.t('Not copied'), ...failures.map(one => wrapped(`- ${localized(one)}`, COLUMNS, '  '))]]
      : []),
    ...(notes.length > 0 ? [notes.map(one => wrapped(localized(one), COLUMNS))] : []),
    ...(grown.length > 0 ? [grown.map(one => wrapped(localized(one), COLUMNS))] : []),
    // Not wrapped: `sha256sum --check` reads them.
    ...(hashes.length > 0 ? [['SHA-256', hashLines(outcome)]] : []),
  ];
}

function numbers(outcome: CopySummary): string[] {
  const { links, bytes, wireBytes, seconds, bytesPerSecond, resumedFrom } = outcome;
  return [
    ...counts(outcome),
    ...(links > 0 ? [l10n.t('Symbolic links among the files, which have no SHA-256: {0}', links)] : []),
    l10n.t(
      '{0} bytes copied, {1} bytes on the wire, {2} s, {3}',
      ...[bytes, wireBytes, seconds.toFixed(3), rateText(bytesPerSecond)],
    ),
    ...(resumedFrom > 0 ? [l10n.t('{0} bytes had arrived before the interruption', resumedFrom)] : []),
  ];
}

/** All files, then what became of them. */
function counts({ files, verified, identical, unchanged, skipped, failed }: CopySummary): string[] {
  const verifiedText =
    identical > 0
      ? l10n.t('Verified: {0}, of which already there: {1}', verified, identical)
      : l10n.t('Verified: {0}', verified);
  return [
    l10n.t('Files: {0}', files),
    ...(verified > 0 ? [verifiedText] : []),
    ...(unchanged > 0 ? [l10n.t('Unchanged: {0}', unchanged)] : []),
    ...(skipped > 0 ? [l10n.t('Skipped: {0}', skipped)] : []),
    ...(failed > 0 ? [l10n.t('Failed: {0}', failed)] : []),
  ];
}
