import * as vscode from 'vscode';
import { type Activity, activityOf } from '../../engine/connections/activity.ts';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import { resume } from '../../engine/connections/resume.ts';
import { stateMessage } from '../../engine/messages/stateMessages.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';

/**
 * Offers what makes a domain run that doesn't, before a copy. One that was resumed takes the copy right away; a guest that
 * boots takes a while, so the copy doesn't wait for it.
 *
 * @returns whether it runs now
 */
export async function offerRunning(place: DomainPlace): Promise<boolean> {
  const { connection, domain } = place;
  const activity = activityOf(domain.state);
  const button = { off: l10n.t('Start Domain'), paused: l10n.t('Resume Domain'), stopping: '', running: '' };
  const offered = button[activity];
  const answer = await vscode.window.showWarningMessage(
    problem(place, activity),
    ...[offered].filter(Boolean),
  );
  if (answer === undefined || answer !== offered) return false;
  if (activity === 'off') await connection.use(one => one.startDomain(domain));
  else await resume(place);
  return activity === 'paused';
}

function problem({ domain }: DomainPlace, activity: Activity): string {
  const name = harmless(domain.name);
  const state = localized(stateMessage(domain.state));
  return activity === 'paused'
    ? l10n.t('Domain "{0}" isn\'t running ({1}). Resume it to copy.', name, state)
    : l10n.t(
        'Domain "{0}" isn\'t running ({1}). Start it, then copy again when its receiver is running.',
        name,
        state,
      );
}
