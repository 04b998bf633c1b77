import { formatBytes } from '../../text/units.ts';
import type { Conflict, ConflictDecision } from '../../transfer/index.ts';
import { harmless } from '../support/harmless.ts';
import { dateText, l10n } from '../support/l10n.ts';

export interface ConflictChoice {
  readonly label: string;
  readonly detail?: string;
  readonly decision: ConflictDecision;
}

export interface ConflictChoices {
  readonly once: readonly ConflictChoice[];
  readonly forAll: readonly ConflictChoice[];
}

export function conflictTitle({ destination, isJustMade }: Conflict, domain: string): string {
  const names = [harmless(destination), harmless(domain)] as const;
  return isJustMade
    ? l10n.t('This transfer has just put another file at "{0}" in "{1}"', ...names)
    : l10n.t('"{0}" already exists in "{1}" with different content', ...names);
}

/** What each answer means for this file, with sizes and times of both sides. */
export function conflictChoices({ sourceInfo, existing }: Conflict, formatTime = localTime): ConflictChoices {
  const age = ageText(sourceInfo.mtimeMs, existing.mtimeMs);
  const yours = `${formatBytes(sourceInfo.size)}, ${formatTime(sourceInfo.mtimeMs)}${age}`;
  const theirs = `${formatBytes(existing.size)}, ${formatTime(existing.mtimeMs)}`;
  return {
    once: [
      {
        label: l10n.t('Overwrite'),
        detail: l10n.t('Replace with your file: {0}', yours),
        decision: { action: 'overwrite' },
      },
      {
        label: l10n.t('Skip'),
        detail: l10n.t("Keep the guest's file: {0}", theirs),
        decision: { action: 'skip' },
      },
      {
        label: l10n.t('Keep Both'),
        detail: l10n.t('Save your file under a new name, such as "name (2)"'),
        decision: { action: 'rename' },
      },
    ],
    forAll: [
      { label: l10n.t('Overwrite All'), decision: { action: 'overwrite', forAll: true } },
      { label: l10n.t('Skip All'), decision: { action: 'skip', forAll: true } },
      { label: l10n.t('Keep Both for All'), decision: { action: 'rename', forAll: true } },
    ],
  };
}

function ageText(yoursMs: number, theirsMs: number): string {
  // Some file systems store times in steps of 2 s.
  if (Number.isNaN(theirsMs) || Math.abs(yoursMs - theirsMs) < 2_000) return '';
  return yoursMs > theirsMs ? l10n.t(' (newer)') : l10n.t(' (older)');
}

function localTime(timeMs: number): string {
  return dateText(timeMs, 'short') ?? l10n.t('unknown time');
}
