import * as vscode from 'vscode';
import type { DomainPlace } from '../../engine/connections/connections.ts';
import { domainKey } from '../../engine/guest/target.ts';
import { loadEngine } from '../../engine/loadEngine.ts';
import { deleteDisc } from '../../install/disc/discVolume.ts';
import {
  type InsertedDisc,
  isHeldByGuest,
  readDriveFacts,
  strayDisc,
  takeOutDisc,
} from '../../install/disc/insertDisc.ts';
import { harmless } from '../support/harmless.ts';
import { l10n, localized } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import { takenOutText, takeOutTitle } from './discTexts.ts';
import type { InstallParts } from './installParts.ts';

/** The installer CD in the domain's drive: as remembered if it's still there, else as found in the drive. */
export async function insertedDisc({ place, discs }: InstallParts): Promise<InsertedDisc | undefined> {
  const { connection, domain } = place;
  const facts = await connection.use(one => readDriveFacts(one, domain));
  const seen = strayDisc(facts);
  const known = discs.get(domainKey(connection.uri, domain.uuid));
  return known && known.path === seen?.path ? known : seen;
}

/** Asks, then ejects the CD and restores the previous medium. */
export async function takeOut(parts: InstallParts): Promise<void> {
  const { connection, domain } = parts.place;
  const disc = await insertedDisc(parts);
  if (disc === undefined) {
    const name = harmless(domain.name);
    tell.info(l10n.t('The CD is no longer inserted in "{0}".', name));
    return;
  }
  const yes = disc.former === undefined ? l10n.t('Remove Drive') : l10n.t('Eject');
  const detail = l10n.t('The image will be deleted from the storage pool unless another domain uses it.');
  const title = takeOutTitle(disc, domain.name);
  if ((await vscode.window.showInformationMessage(title, { modal: true, detail }, yes)) !== yes) return;
  const take = (force: boolean) =>
    connection.use(async one => {
      await takeOutDisc(one, domain, disc, force);
      return true;
    });
  if (!(await openDrive(parts.place, take))) return;
  await parts.discs.forget(domainKey(connection.uri, domain.uuid));
  connection.forgetDetails(domain.uuid);
  const deleted = await connection.use(one => deleteDisc(one, disc.path));
  tell.info(takenOutText(disc, deleted, domain.name));
}

/**
 * Changes a drive's medium. A guest that uses the medium locks the tray, and then the user decides whether to open it
 * by force.
 *
 * @param work - called without force first
 * @returns undefined if nothing was done
 */
export async function openDrive<T>(
  { connection, domain }: DomainPlace,
  work: (force: boolean) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work(false);
  } catch (error) {
    if (!isHeldByGuest(error)) throw error;
    const { describeError } = await loadEngine();
    const reason = localized(describeError(error, { uri: connection.uri, domain: domain.name }));
    const force = l10n.t('Force Open');
    const message = l10n.t(
      'The guest is using the CD in its drive. Unmount or eject it in the guest, then try again. {0}',
      reason,
    );
    const answer = await vscode.window.showWarningMessage(message, force);
    return answer === force ? work(true) : undefined;
  }
}
