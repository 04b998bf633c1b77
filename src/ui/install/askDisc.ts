import * as vscode from 'vscode';
import { domainKey } from '../../engine/guest/target.ts';
import { loadEngine } from '../../engine/loadEngine.ts';
import { makeInstallerDisc } from '../../install/disc/discFiles.ts';
import { type DiscPool, deleteDisc, discPools, uploadDisc } from '../../install/disc/discVolume.ts';
import {
  type DriveFacts,
  type DrivePlan,
  drivePlans,
  insertDisc,
  readDriveFacts,
  whereIs,
} from '../../install/disc/insertDisc.ts';
import { formatBytes } from '../../text/units.ts';
import { version } from '../../text/version.ts';
import { harmless, withoutNotation } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { tell } from '../support/tell.ts';
import { checkReceiver } from './checkReceiver.ts';
import {
  driveName,
  insertDetail,
  insertedText,
  insertTitle,
  LINUX_COMMAND,
  mediumName,
  noPlan,
  steps,
} from './discTexts.ts';
import { type InstallParts, receiverFolder } from './installParts.ts';
import { insertedDisc, openDrive, takeOut } from './takeOutDisc.ts';

/** Asks, then makes a CD with the receivers and their installers and inserts it into the domain's drive. */
export async function askDisc(parts: InstallParts): Promise<void> {
  const { connection, domain } = parts.place;
  if (await insertedDisc(parts)) return follow(parts);
  const image = await makeInstallerDisc(receiverFolder().fsPath);
  const facts = await connection.use(one => readDriveFacts(one, domain));
  const plan = await choosePlan(facts, domain.name);
  const pool = plan && (await choosePool(parts, image.length));
  if (!plan || !pool) return;
  const name = `guestwire-${version()}`;
  const question = {
    domain: domain.name,
    running: facts.live !== undefined,
    plan,
    pool: pool.pool.name,
    volume: `${name}.iso`,
    imageBytes: image.length,
  };
  const insert = plan.kind === 'change' ? l10n.t('Insert') : l10n.t('Add Drive');
  const options = { modal: true, detail: insertDetail(question) };
  const answer = await vscode.window.showInformationMessage(insertTitle(question), options, insert);
  if (answer !== insert) return;
  if (!(await insertWithProgress(parts, plan, pool, image, name))) return;
  connection.forgetDetails(domain.uuid);
  connection.changes.fire({ kind: 'domain', uuid: domain.uuid });
  await follow(parts);
}

async function choosePlan(facts: DriveFacts, domainName: string): Promise<DrivePlan | undefined> {
  const plans = drivePlans(facts);
  const [first, second] = plans;
  if (first === undefined) {
    tell.warning(noPlan(facts, domainName));
    return undefined;
  }
  if (second === undefined) return first;
  const items = plans.map(plan => ({
    label: driveName(plan.drive),
    description: mediumName(plan.drive),
    plan,
  }));
  const placeHolder = l10n.t('Select a CD drive for the installer CD');
  return (await vscode.window.showQuickPick(items, { title: titleFor(domainName), placeHolder }))?.plan;
}

async function choosePool({ place }: InstallParts, imageBytes: number): Promise<DiscPool | undefined> {
  const pools = await place.connection
    .use(one => discPools(one, imageBytes))
    .catch(async error => {
      const { codeOfError } = await loadEngine();
      if (codeOfError(error) !== 'unsupported') throw error;
      return undefined;
    });
  if (pools === undefined) {
    tell.warning(
      l10n.t('libvirt has no storage driver. Install it (libvirt-daemon-driver-storage), then try again.'),
    );
    return undefined;
  }
  const [first, second] = pools;
  if (first === undefined) {
    tell.warning(
      l10n.t(
        'libvirt has no active storage pool for files with enough space for the image. Create one, for example: {0}',
        'virsh pool-create-as default dir --target /var/lib/libvirt/images',
      ),
    );
    return undefined;
  }
  if (second === undefined) return first;
  const items = pools.map(pool => ({
    label: harmless(pool.pool.name),
    description: l10n.t('{0} free', formatBytes(Number(pool.availableBytes))),
    pool,
  }));
  const placeHolder = l10n.t('Select a storage pool for the CD image');
  const title = titleFor(place.domain.name);
  return (await vscode.window.showQuickPick(items, { title, placeHolder }))?.pool;
}

function titleFor(domainName: string): string {
  return l10n.t('Insert the Installer CD into "{0}"', harmless(domainName));
}

/** @returns whether the CD was inserted; false if the user cancelled. */
function insertWithProgress(
  parts: InstallParts,
  plan: DrivePlan,
  { pool }: DiscPool,
  image: Buffer,
  name: string,
): Thenable<boolean> {
  const { place, discs } = parts;
  const { connection, domain } = place;
  const title = l10n.t('Inserting the installer CD');
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
    const aborter = new AbortController();
    token.onCancellationRequested(() => aborter.abort());
    return connection.use(async one => {
      progress.report({ message: l10n.t('uploading the image…') });
      const path = await uploadDisc(one, pool, image, { name, signal: aborter.signal }).catch(error => {
        if (aborter.signal.aborted) return undefined;
        throw error;
      });
      if (path === undefined) return false;
      progress.report({ message: l10n.t('changing the drive…') });
      const inserted = await openDrive(parts.place, force =>
        insertDisc(one, domain, plan, path, force),
      ).catch(async error => {
        await deleteDisc(one, path).catch(() => undefined); // the error that led here says more
        throw error;
      });
      if (inserted) await discs.remember(domainKey(connection.uri, domain.uuid), inserted);
      else await deleteDisc(one, path);
      return inserted !== undefined;
    });
  });
}

/** Offers the next steps until the user closes the message. "Install Guest Receiver…" leads back here. */
async function follow(parts: InstallParts): Promise<void> {
  const { connection, domain } = parts.place;
  const show = l10n.t('Show Steps');
  const back = l10n.t('Remove CD…');
  const check = l10n.t('Check Receiver');
  for (;;) {
    const disc = await insertedDisc(parts);
    if (disc === undefined) return;
    const facts = await connection.use(one => readDriveFacts(one, domain));
    const where = whereIs(facts, disc.path) ?? 'definition';
    const choices = where === 'guest' ? [show, check, back] : [show, back];
    const text = insertedText(where, disc.target, domain.name);
    const answer = await vscode.window.showInformationMessage(text, ...choices);
    if (answer === show) await showSteps(parts);
    else if (answer === check) await checkReceiver(parts, { label: back, run: () => takeOut(parts) });
    else if (answer === back) await takeOut(parts);
    else return;
  }
}

async function showSteps({ place }: InstallParts): Promise<void> {
  const { osFamily } = (await place.connection.details(place.domain)).devices;
  const copy = { title: l10n.t('Copy Linux Command') };
  const close = { title: l10n.t('Close'), isCloseAffordance: true };
  const title = l10n.t('Run the installer in the guest "{0}"', harmless(place.domain.name));
  const options = { modal: true, detail: withoutNotation(steps(osFamily)) };
  const choices = osFamily === 'windows' ? [close] : [copy, close];
  const answer = await vscode.window.showInformationMessage(title, options, ...choices);
  if (answer === copy) await vscode.env.clipboard.writeText(LINUX_COMMAND);
}
