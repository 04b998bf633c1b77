import { harmless } from '../../engine/support/harmless.ts';
import { l10n } from '../../engine/support/l10n.ts';
import type { CopyRequest, Outcome } from '../../engine/transfers/transfer.ts';
import { formatBytes } from '../../text/units.ts';
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
export function outcomeText(request: CopyRequest, outcome: Outcome): string {
  const { files, verified, failed, identical, skipped, unchanged = 0 } = outcome;
  if (failed > 0) return failedText(request, outcome);
  const domain = harmless(request.domain);
  const what = files === 1 || files === 0 ? sourcesText(request) : l10n.t('{0} files', files);
  if (files === 0) return l10n.t('There were no files in {0} to copy to {1}.', what, domain);
  if (unchanged > 0 && unchanged + identical === files)
    return l10n.t('Already up to date: {0} in {1} (same size and time).', what, domain);
  if (skipped === files) return skippedText(what, files, domain);
  if (identical === files) return l10n.t('Already there and verified: {0} in {1}.', what, domain);
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
export function resultText({ verified, bytes, bytesPerSecond }: Outcome): string {
  const word = verified > 0 ? l10n.t('verified') : l10n.t('skipped');
  return bytes >= RATED_BYTES ? `${word} · ${rateText(bytesPerSecond)}` : word;
}

function countText(files: number): string {
  return files === 1 ? l10n.t('1 file') : l10n.t('{0} files', files);
}

function countNotes({ identical, skipped, resumedFrom = 0 }: Outcome): string[] {
  const notes = [];
  if (resumedFrom > 0) notes.push(l10n.t('resumed at {0}', formatBytes(resumedFrom)));
  if (identical > 0) notes.push(l10n.t('{0} already there', identical));
  if (skipped > 0) notes.push(l10n.t('{0} skipped', skipped));
  return notes;
}

function failedText(request: CopyRequest, { files, failed, failures }: Outcome): string {
  const [first = ''] = failures;
  if (files === 1) return first;
  const domain = harmless(request.domain);
  return failed === files
    ? l10n.t('None of the {0} files were copied to {1}. {2}', files, domain, first)
    : l10n.t("{0} of {1} files weren't copied to {2}. {3}", failed, files, domain, first);
}

/** All details, for a document of its own. */
export function detailsText(
  request: CopyRequest,
  outcome: Outcome | undefined,
  error: { message: string } | undefined,
): string {
  const lines = [
    l10n.t('Domain: {0}', harmless(request.domain)),
    l10n.t('Connection: {0}', harmless(request.connection ?? request.link)),
    l10n.t('Destination: {0}', harmless(request.destination)),
    ...request.sources.map(source => l10n.t('Source: {0}', harmless(source))),
  ];
  if (error) lines.push('', error.message);
  if (outcome) lines.push(linkText(outcome), '', ...outcomeLines(outcome));
  return `${lines.join('\n')}\n`;
}

export function linkText({ link, lanes = 1 }: Outcome): string {
  const name = harmless(link);
  return lanes > 1
    ? l10n.t('Link: {0}, with {1} serial ports in parallel', name, lanes)
    : l10n.t('Link: {0}', name);
}

function outcomeLines(outcome: Outcome): string[] {
  const { files, verified, identical, skipped, failed, resumedFrom = 0 } = outcome;
  const { bytes, wireBytes, seconds, bytesPerSecond } = outcome;
  return [
    l10n.t(
      'Files: {0}; verified: {1} (already there: {2}); skipped: {3}; failed: {4}',
      files,
      verified,
      identical,
      skipped,
      failed,
    ),
    l10n.t(
      '{0} bytes copied, {1} bytes on the wire, {2} s, {3}',
      bytes,
      wireBytes,
      seconds.toFixed(3),
      rateText(bytesPerSecond),
    ),
    ...(resumedFrom > 0 ? [l10n.t('{0} bytes had arrived before the interruption', resumedFrom)] : []),
    ...(outcome.failures.length > 0 ? ['', ...outcome.failures] : []),
    ...(outcome.hashes.length > 0 ? ['', 'SHA-256', hashLines(outcome)] : []),
  ];
}

/** A single file's hash alone; several as lines that `sha256sum --check` reads. */
export function hashesText(outcome: Outcome): string {
  const [only] = outcome.hashes;
  return only && outcome.hashes.length === 1 ? only.sha256 : hashLines(outcome);
}

function hashLines({ hashes }: Outcome): string {
  return hashes.map(({ sha256, destination }) => `${sha256}  ${harmless(destination)}`).join('\n');
}
