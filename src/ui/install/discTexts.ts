import type { CdDrive } from '../../install/disc/cdDrives.ts';
import type { DriveFacts, DrivePlan, InsertedDisc } from '../../install/disc/insertDisc.ts';
import { harmless } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';

/** As root in the guest. The drive's name is the usual one of a first drive. */
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
    ? l10n.t('Insert the CD with the installer into drive {0} of "{1}"?', driveName(plan.drive), name)
    : l10n.t('Add a CD drive with the installer\'s CD to "{0}"?', name);
}

/** Exactly what libvirt will be told to do. */
export function insertDetail({ plan, running, pool, volume, imageBytes }: DiscQuestion): string {
  const kilobytes = Math.ceil(imageBytes / 1024);
  const lines = [
    l10n.t(
      'An image of {0} KB is uploaded to libvirt\'s storage pool "{1}", as "{2}".',
      kilobytes,
      harmless(pool),
      volume,
    ),
    ...driveLines(plan, running),
    l10n.t('Nothing runs in the guest until somebody starts the installer there.'),
  ];
  return lines.join('\n\n');
}

function driveLines({ kind, where, drive }: DrivePlan, running: boolean): string[] {
  const name = driveName(drive);
  if (kind === 'add') {
    return where === 'guest'
      ? [
          l10n.t('The domain has no CD drive: drive {0} is plugged into the running guest.', name),
          l10n.t('Afterwards Guestwire offers to unplug the drive, and to delete the image.'),
        ]
      : [
          l10n.t('The domain has no CD drive: drive {0} is added to its stored definition.', name),
          running
            ? l10n.t('The guest has it from its next start on: shut it down and start it.')
            : l10n.t('The guest has it from its next start on.'),
          l10n.t('Afterwards Guestwire offers to take the drive away, and to delete the image.'),
        ];
  }
  const medium =
    drive.path === undefined
      ? l10n.t('The drive is empty now.')
      : l10n.t('In the drive is now: {0}. It is taken out.', mediumName(drive));
  const scope =
    where === 'guest'
      ? l10n.t('Only the running guest is changed; its next start has the former medium.')
      : l10n.t('The stored definition is changed: the guest has the CD from its next start on.');
  return [
    medium,
    scope,
    l10n.t('Afterwards Guestwire offers to put the former medium back, and to delete the image.'),
  ];
}

export function noPlan({ live }: DriveFacts, domain: string): string {
  const name = harmless(domain);
  return live === undefined
    ? l10n.t('"{0}" has no CD drive, and none can be added: it has no free drive name.', name)
    : l10n.t(
        '"{0}" has no CD drive, and none can be added: it has no USB or SCSI controller that takes one while it runs, and no stored definition for its next start.',
        name,
      );
}

export function insertedText(where: DrivePlan['where'], target: string, domain: string): string {
  const name = harmless(domain);
  return where === 'guest'
    ? l10n.t('The CD with the installer is in drive {0} of "{1}".', harmless(target), name)
    : l10n.t('"{0}" has the CD with the installer from its next start on.', name);
}

/** What to do in the guest; the likelier system first. */
export function steps(osFamily: 'windows' | 'other' | 'unknown'): string {
  const windows = [
    l10n.t('Windows 7 or later:'),
    l10n.t('1. Open the CD drive "GUESTWIRE" in Explorer.'),
    l10n.t('2. Double-click install.cmd, and answer Yes when Windows asks.'),
  ];
  const linux = [
    l10n.t('Linux (systemd, OpenRC or busybox), in a shell as root:'),
    `1. mount -o ro /dev/sr0 /mnt`,
    `2. sh /mnt/install.sh`,
    `3. umount /mnt`,
  ];
  const both = osFamily === 'windows' ? [windows, linux] : [linux, windows];
  const last = l10n.t(
    'The receiver then runs, and starts with the guest. README.txt on the CD says how to remove it.',
  );
  return [...both.map(lines => lines.join('\n')), last].join('\n\n');
}

export function takeOutTitle({ path, former }: InsertedDisc, domain: string): string {
  const name = harmless(domain);
  if (former === undefined)
    return l10n.t('Take the CD drive with {0} away from "{1}"?', harmless(path), name);
  return former.source === ''
    ? l10n.t('Take {0} out of the CD drive of "{1}", and leave it empty?', harmless(path), name)
    : l10n.t('Take {0} out of the CD drive of "{1}", and put the former medium back?', harmless(path), name);
}

/** Short: VS Code shows one line of a notification without buttons. */
export function takenOutText({ former }: InsertedDisc, deleted: boolean, domain: string): string {
  const name = harmless(domain);
  const drive =
    former === undefined
      ? l10n.t('The CD drive is gone from "{0}".', name)
      : former.source === ''
        ? l10n.t('The drive of "{0}" is empty again.', name)
        : l10n.t('The former medium is back in "{0}".', name);
  const image = deleted
    ? l10n.t('The image was deleted.')
    : l10n.t('The image was kept: another domain uses it.');
  return `${drive} ${image}`;
}
