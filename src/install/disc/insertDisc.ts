import { setTimeout as sleep } from 'node:timers/promises';
import type { Domain, LibvirtConnection } from 'libvirt';
import {
  type CdDrive,
  cdDrives,
  coldPlugBus,
  fileMedium,
  hotPlugBus,
  type Medium,
  mediumOf,
  NO_MEDIUM,
  newDrive,
  usedTargets,
  withMedium,
} from './cdDrives.ts';

export type DriveConnection = Pick<
  LibvirtConnection,
  'attachDevice' | 'detachDevice' | 'domainState' | 'domainXml' | 'isPersistent' | 'updateDevice'
>;

export interface DriveFacts {
  /** The running guest's XML; undefined while it is off. */
  readonly live: string | undefined;
  /** The stored definition; undefined for a transient domain. */
  readonly stored: string | undefined;
}

/** A way to get a medium into the guest. */
export type DrivePlan =
  /** Into a drive that is there: of the running guest, or of the definition. */
  | { readonly kind: 'change'; readonly where: 'guest' | 'definition'; readonly drive: CdDrive }
  /** With a new drive: plugged into the running guest, or there from the next start on. */
  | { readonly kind: 'add'; readonly where: 'guest' | 'definition'; readonly drive: CdDrive };

/** What there is to take back. It can be stored. */
export interface InsertedDisc {
  readonly path: string;
  readonly target: string;
  /** What was in the drive; undefined for a drive that was added for this. */
  readonly former: Medium | undefined;
}

/** While the firmware starts it closes a drive's tray, now and then just after libvirt has opened it: then try again. */
const TRIES = 6;
const TRY_AGAIN_MS = 500;

export async function readDriveFacts(connection: DriveConnection, domain: Domain): Promise<DriveFacts> {
  const state = await connection.domainState(domain);
  const running = state !== 'shutoff' && state !== 'crashed';
  const persistent = await connection.isPersistent(domain);
  return {
    live: running ? await connection.domainXml(domain) : undefined,
    stored: persistent ? await connection.domainXml(domain, { inactive: true }) : undefined,
  };
}

/** All ways there are, of the best kind: at once before later, a drive that is there before a new one. */
export function drivePlans({ live = '', stored = '' }: DriveFacts): DrivePlan[] {
  const taken = [...usedTargets(live), ...usedTargets(stored)];
  const hot = hotPlugBus(live);
  const plans: DrivePlan[][] = [
    cdDrives(live).map(drive => ({ kind: 'change', where: 'guest', drive })),
    addPlan('guest', hot && newDrive(hot, taken)),
    cdDrives(stored).map(drive => ({ kind: 'change', where: 'definition', drive })),
    stored === '' ? [] : addPlan('definition', newDrive(coldPlugBus(stored), taken)),
  ];
  return plans.find(some => some.length > 0) ?? [];
}

function addPlan(where: 'guest' | 'definition', drive: CdDrive | undefined): DrivePlan[] {
  return drive ? [{ kind: 'add', where, drive }] : [];
}

/** Does what the plan says. @param force opens a drive whose medium the guest holds */
export async function insertDisc(
  connection: DriveConnection,
  domain: Domain,
  { kind, where, drive }: DrivePlan,
  path: string,
  force = false,
): Promise<InsertedDisc> {
  const scope = { live: where === 'guest', config: where === 'definition' };
  if (kind === 'add') {
    await connection.attachDevice(domain, withMedium(drive, fileMedium(path)), scope);
    return { path, target: drive.target, former: undefined };
  }
  await changeMedium(connection, domain, drive, fileMedium(path), { ...scope, force });
  return { path, target: drive.target, former: mediumOf(drive) };
}

/** Takes the medium out wherever it is by now, and puts the former one back; a drive that was added goes again. */
export async function takeOutDisc(
  connection: DriveConnection,
  domain: Domain,
  inserted: InsertedDisc,
  force = false,
): Promise<void> {
  const { live, stored } = await readDriveFacts(connection, domain);
  for (const [xml, isLive] of [
    [live, true],
    [stored, false],
  ] as const) {
    const drive = cdDrives(xml ?? '').find(({ path }) => path === inserted.path);
    if (!drive) continue;
    const scope = { live: isLive, config: !isLive };
    const added = inserted.former === undefined && drive.target === inserted.target;
    if (added && (!isLive || isHotPluggable(drive))) {
      await connection.detachDevice(domain, drive.element, scope);
    } else {
      await changeMedium(connection, domain, drive, inserted.former ?? NO_MEDIUM, { ...scope, force });
    }
  }
}

function isHotPluggable({ bus }: CdDrive): boolean {
  return bus === 'usb' || bus === 'scsi';
}

async function changeMedium(
  connection: DriveConnection,
  domain: Domain,
  drive: CdDrive,
  medium: Medium,
  where: { readonly live: boolean; readonly config: boolean; readonly force: boolean },
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await connection.updateDevice(domain, withMedium(drive, medium), where);
      return;
    } catch (error) {
      if (tries === TRIES || !isTrayClosed(error)) throw error;
    }
    await sleep(TRY_AGAIN_MS);
  }
}

/** QEMU's refusal comes as an "internal error", of which only the text tells what it is about. */
function isTrayClosed(error: unknown): boolean {
  return error instanceof Error && /\btray\b.*\bnot open\b/i.test(error.message);
}

/** While the guest uses the medium (has it mounted), the drive stays shut unless it is opened by force. */
export function isHeldByGuest(error: unknown): boolean {
  return error instanceof Error && /\b(locked|tray)\b/i.test(error.message);
}

/** Where a domain has the medium; undefined where it has it no more. */
export function whereIs(
  { live = '', stored = '' }: DriveFacts,
  path: string,
): DrivePlan['where'] | undefined {
  const has = (xml: string) => cdDrives(xml).some(drive => drive.path === path);
  if (has(live)) return 'guest';
  return has(stored) ? 'definition' : undefined;
}

/** Our CD in one of the domain's drives, where nothing is known any more of what was there before. */
export function strayDisc({ live = '', stored = '' }: DriveFacts): InsertedDisc | undefined {
  const drive = [...cdDrives(live), ...cdDrives(stored)].find(({ path }) =>
    /(^|\/)guestwire-\d[\w.+-]*\.iso$/.test(path ?? ''),
  );
  return drive?.path === undefined
    ? undefined
    : { path: drive.path, target: drive.target, former: NO_MEDIUM };
}
