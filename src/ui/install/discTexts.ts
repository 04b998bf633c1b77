import type { CdDrive } from '../../install/disc/cdDrives.ts';
import type { DriveFacts, DrivePlan, InsertedDisc } from '../../install/disc/insertDisc.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';

/** Runs as root in the guest. /dev/sr0 is the usual name of the first CD drive. */
export const LINUX_COMMAND = 'mount -o ro /dev/sr0 /mnt && sh /mnt/install.sh; umount /mnt';

export interface DiscQuestion {
  readonly domain: string;
  readonly running: boolean;
  readonly plan: DrivePlan;
  readonly pool: string;
  readonly volume: string;
  readonly imageBytes: number;
}

export function driveName({ target, bus }: CdDrive): string {
  return harmless(`${target} (${bus.toUpperCase()})`);
}

export function mediumName({ path }: CdDrive): string {
  return path === undefined ? l10n.t('empty') : harmless(path);
}

export function insertTitle({ plan, domain }: DiscQuestion): string {
  const name = harmless(domain);
  return plan.kind === 'change'
    ? l10n.t('Insert the installer CD into drive {0} of "{1}"?', driveName(plan.drive), name)
    : l10n.t('Add a CD drive with the installer CD to "{0}"?', name);
}

/** Exactly what libvirt will be asked to do. */
export function insertDetail({ plan, running, pool, volume, imageBytes }: DiscQuestion): string {
  const kilobytes = Math.ceil(imageBytes / 1024);
  const lines = [
    l10n.t(
      'An image of {0} KB will be uploaded to the libvirt storage pool "{1}" as "{2}".',
      kilobytes,
      harmless(pool),
      volume,
    ),
    ...driveLines(plan, running),
    l10n.t('Nothing will run in the guest until someone starts the installer there.'),
  ];
  return lines.join('\n\n');
}

function driveLines({ kind, where, drive }: DrivePlan, running: boolean): string[] {
  if (kind === 'add') return where === 'guest' ? hotPluggedLines(drive) : definedLines(drive, running);
  const medium =
    drive.path === undefined
      ? l10n.t('The drive is empty.')
      : l10n.t('The drive contains {0}, which will be ejected.', mediumName(drive));
  const scope =
    where === 'guest'
      ? l10n.t(
          'Only the running guest will be changed. It will have the previous medium again the next time it starts.',
        )
      : l10n.t(
          'The persistent definition will be changed. The CD will be available the next time the guest starts.',
        );
  return [
    medium,
    scope,
    l10n.t('Afterwards, Guestwire will offer to restore the previous medium and delete the image.'),
  ];
}

function hotPluggedLines(drive: DrivePlan['drive']): string[] {
  return [
    l10n.t(
      'The domain has no CD drive, so drive {0} will be hot-plugged into the running guest.',
      driveName(drive),
    ),
    l10n.t('Afterwards, Guestwire will offer to unplug the drive and delete the image.'),
  ];
}

function definedLines(drive: DrivePlan['drive'], running: boolean): string[] {
  return [
    l10n.t(
      'The domain has no CD drive, so drive {0} will be added to its persistent definition.',
      driveName(drive),
    ),
    running
      ? l10n.t('The drive will be available the next time the guest starts. Shut it down and start it again.')
      : l10n.t('The drive will be available the next time the guest starts.'),
    l10n.t('Afterwards, Guestwire will offer to remove the drive and delete the image.'),
  ];
}

export function noPlan({ live }: DriveFacts, domain: string): string {
  const name = harmless(domain);
  return live === undefined
    ? l10n.t('"{0}" has no CD drive, and none can be added because it has no free drive name.', name)
    : l10n.t(
        '"{0}" has no CD drive, and none can be added because it has no USB or SCSI controller that supports hot-plugging and no persistent definition.',
        name,
      );
}

export function insertedText(where: DrivePlan['where'], target: string, domain: string): string {
  const name = harmless(domain);
  return where === 'guest'
    ? l10n.t('The installer CD is in drive {0} of "{1}".', harmless(target), name)
    : l10n.t('The installer CD will be available the next time "{0}" starts.', name);
}

/** What to do in the guest, with the likelier system first. */
export function steps(osFamily: 'windows' | 'other' | 'unknown'): string {
  const windows = [
    l10n.t('Windows 7 or later:'),
    l10n.t('1. Open the CD drive "GUESTWIRE" in Explorer.'),
    l10n.t('2. Double-click install.cmd, and choose Yes when Windows asks for permission.'),
  ];
  const linux = [
    l10n.t('Linux (systemd, OpenRC or BusyBox), in a root shell:'),
    `1. mount -o ro /dev/sr0 /mnt`,
    `2. sh /mnt/install.sh`,
    `3. umount /mnt`,
  ];
  const both = osFamily === 'windows' ? [windows, linux] : [linux, windows];
  const last = l10n.t(
    'The receiver will then be running, and will start with the guest. To uninstall it, see README.txt on the CD.',
  );
  return [...both.map(lines => lines.join('\n')), last].join('\n\n');
}

export function takeOutTitle({ path, former }: InsertedDisc, domain: string): string {
  const name = harmless(domain);
  if (former === undefined) return l10n.t('Remove the CD drive with {0} from "{1}"?', harmless(path), name);
  return former.source === ''
    ? l10n.t('Eject {0} from the CD drive of "{1}" and leave the drive empty?', harmless(path), name)
    : l10n.t('Eject {0} from the CD drive of "{1}" and restore the previous medium?', harmless(path), name);
}

/** Short, because VS Code shows only one line of a notification without buttons. */
export function takenOutText({ former }: InsertedDisc, deleted: boolean, domain: string): string {
  const name = harmless(domain);
  const drive =
    former === undefined
      ? l10n.t('The CD drive was removed from "{0}".', name)
      : former.source === ''
        ? l10n.t('The drive of "{0}" is empty again.', name)
        : l10n.t('The previous medium was restored in "{0}".', name);
  const image = deleted
    ? l10n.t('The image was deleted.')
    : l10n.t('The image was kept because another domain uses it.');
  return `${drive} ${image}`;
}
