import { targetName } from '../../engine/guest/target.ts';
import { linkLabel } from '../../engine/messages/linkMessages.ts';
import type { CopyRequest, CopySummary, Transfer } from '../../engine/transfers/transfer.ts';
import { formatBytes } from '../../text/units.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import { nameOf, rateText } from './progressText.ts';

/** Such as "notes.txt" or "notes.txt and 2 more". */
export function sourcesText({ sources }: CopyRequest): string {
  const first = nameOf(sources[0] ?? '');
  const others = sources.length - 1;
  return others === 0 ? first : l10n.t('{0} and {1} more', first, others);
}

/**
 * The outcome in one sentence. It says "verified" only of what the guest's hash proved, and says it at the start,
 * because a notification may show only one line.
 */
export function outcomeText(request: CopyRequest, outcome: CopySummary): string {
  const { files, verified, failed, identical, skipped, unchanged } = outcome;
  if (failed > 0) return failedText(request, outcome);
  const domain = harmless(targetName(request.target));
  const what = files === 1 || files === 0 ? sourcesText(request) : l10n.t('{0} files', files);
  if (files === 0) return l10n.t('There were no files in {0} to copy to {1}.', what, domain);
  if (unchanged > 0 && unchanged + identical === files)
    return l10n.t('Already up to date: {0} in {1} (same size and time).', what, domain);
  if (skipped === files) return skippedText(what, files, domain);
  if (identical === files) return l10n.t('Already there and verified: {0} in {1}.', what, domain);
  if (verified === identical)
    return l10n.t('Nothing was copied to {0}: {1}.', domain, countNotes(outcome).join(', '));
  const speed = `${formatBytes(outcome.bytes)}, ${rateText(outcome.bytesPerSecond)}`;
  const notes = [speed, ...countNotes(outcome)].join(', ');
  const copied = files === 1 ? what : countText(verified - identical);
  const place = `${domain}:${harmless(request.destination)}`;
  return l10n.t('Copied and verified: {0} → {1} ({2}).', copied, place, notes);
}

function skippedText(what: string, files: number, domain: string): string {
  return files === 1
    ? l10n.t('Skipped {0}: a different file with this name exists in {1}.', what, domain)
    : l10n.t('Skipped {0}: different files with these names exist in {1}.', what, domain);
}

/** For fewer bytes, the rate mostly measures the handshake. */
const RATED_BYTES = 64 * 1024;

/** Such as "verified · 51.8 kB/s", for where there's little room. */
export function resultText(outcome: CopySummary): string {
  const { bytes, bytesPerSecond } = outcome;
  const word = resultWord(outcome);
  return bytes >= RATED_BYTES ? `${word} · ${rateText(bytesPerSecond)}` : word;
}

function resultWord({ files, verified, skipped, unchanged }: CopySummary): string {
  if (skipped > 0) return skipped === files ? l10n.t('skipped') : l10n.t('{0} skipped', skipped);
  return verified === 0 && unchanged > 0 ? l10n.t('unchanged') : l10n.t('verified');
}

function countText(files: number): string {
  return files === 1 ? l10n.t('1 file') : l10n.t('{0} files', files);
}

function countNotes(outcome: CopySummary): string[] {
  const { links, identical, unchanged, skipped, resumedFrom, grown = [] } = outcome;
  const notes = [];
  if (links > 0) notes.push(l10n.t('{0} symbolic links among them', links));
  if (resumedFrom > 0) notes.push(l10n.t('resumed at {0}', formatBytes(resumedFrom)));
  if (identical > 0) notes.push(l10n.t('{0} already there', identical));
  if (unchanged > 0) notes.push(l10n.t('{0} unchanged', unchanged));
  if (skipped > 0) notes.push(l10n.t('{0} skipped', skipped));
  if (grown.length > 0) notes.push(l10n.t('{0} grown since', grown.length));
  return notes;
}

/** Why a transfer failed, as a whole or in some of its files. */
export function failureText({
  request,
  outcome,
  error,
}: Pick<Transfer, 'request' | 'outcome' | 'error'>): string {
  if (error) return localized(error.message);
  return outcome && outcome.failed > 0 ? outcomeText(request, outcome) : '';
}

/** Of a copy that was broken off. It's a promise of the receiver's: PROTOCOL.md §6, `resume`. */
export function resumeText(): string {
  return l10n.t('If you retry it within 7 days, a large file continues where it stopped.');
}

function failedText(request: CopyRequest, { files, failed, failures }: CopySummary): string {
  const [failure] = failures;
  const first = failure ? localized(failure) : '';
  if (files === 1) return first;
  const domain = harmless(targetName(request.target));
  return failed === files
    ? l10n.t('None of the {0} files were copied to {1}. {2}', files, domain, first)
    : l10n.t("{0} of {1} files weren't copied to {2}. {3}", failed, files, domain, first);
}

export function linkText({ link, lanes }: CopySummary): string {
  const name = localized(linkLabel(link));
  return lanes > 1
    ? l10n.t('Link: {0}, with {1} serial ports in parallel', name, lanes)
    : l10n.t('Link: {0}', name);
}

/** A single file's hash alone; several as lines that `sha256sum --check` reads. */
export function hashesText(outcome: CopySummary): string {
  const [only] = outcome.hashes;
  return only && outcome.hashes.length === 1 ? only.sha256 : hashLines(outcome);
}

/** As `sha256sum --check` reads them. */
export function hashLines({ hashes }: CopySummary): string {
  return hashes.map(({ sha256, destination }) => `${sha256}  ${harmless(destination)}`).join('\n');
}
