import { targetName } from '../../engine/guest/target.ts';
import {
  canResume,
  canRetry,
  isFinished,
  type Transfer,
  type TransferState,
} from '../../engine/transfers/transfer.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import type { Presentation } from '../treeItem.ts';
import { shortNumbers } from './progressText.ts';
import { failureText, linkText, resultText, resumeText, sourcesText } from './transferText.ts';

const ICONS: Readonly<Record<TransferState, Presentation['icon']>> = {
  queued: { id: 'clock' },
  running: { id: 'sync~spin' },
  done: { id: 'pass-filled', color: 'charts.green' },
  failed: { id: 'error', color: 'charts.red' },
  cancelled: { id: 'circle-slash' },
  interrupted: { id: 'debug-disconnect', color: 'charts.yellow' },
};

export function presentTransfer(transfer: Transfer): Presentation {
  const { request, state } = transfer;
  const what = sourcesText(request);
  const domain = harmless(targetName(request.target));
  const now = stateText(transfer);
  const sentence = state === 'failed' ? failureText(transfer) : now;
  const label = `${what} → ${domain}`;
  return {
    label,
    // Short, because a narrow view cuts it off: the reasons are in the tooltip and the details.
    description: now,
    tooltip: tooltip(transfer, label, now),
    accessibleLabel: l10n.t('Copy {0} to {1}: {2}', what, domain, sentence),
    icon: ICONS[state],
    contextValue: contextValue(transfer),
  };
}

/** In a few words. */
export function stateText({ state, progress, asking, outcome, error }: Transfer): string {
  switch (state) {
    case 'queued':
      return l10n.t('waiting');
    case 'running':
      if (asking !== undefined) return l10n.t('waiting for your answer');
      return progress ? shortNumbers(progress) : l10n.t('looking for the receiver…');
    case 'done':
      return outcome ? resultText(outcome) : '';
    case 'failed':
      if (error) return l10n.t('failed');
      return l10n.t('{0} of {1} files failed', outcome?.failed ?? 0, outcome?.files ?? 0);
    case 'cancelled':
      return l10n.t('cancelled');
    case 'interrupted':
      return l10n.t('interrupted');
  }
}

function tooltip({ request, state, outcome, error }: Transfer, label: string, description: string): string {
  const lines: (string | undefined)[] = [
    label,
    l10n.t('Destination: {0}', harmless(request.destination)),
    outcome && linkText(outcome),
    error ? localized(error.message) : description,
    canResume(state) ? resumeText() : undefined,
    ...(outcome?.failures.slice(0, 5).map(localized) ?? []),
    ...(outcome?.notes?.map(localized) ?? []),
  ];
  return lines.filter(Boolean).join('\n');
}

function contextValue({ state, request, outcome }: Transfer): string {
  const words = ['transfer', isFinished(state) ? 'finished' : 'active'];
  if (canRetry(state)) words.push('retryable');
  if (outcome && outcome.hashes.length > 0) words.push('hashed');
  if (request.sources.some(source => !source.startsWith('untitled:'))) words.push('revealable');
  return words.join(' ');
}
