// The installer's CD as people get it into a guest: every question, the steps, and the way back, in VS Code's window with a
// real guest that runs the installer.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import type { Domain, LibvirtConnection } from 'libvirt';
import { cdDrives } from '../../src/install/disc/cdDrives.ts';
import { makeDisc } from '../../src/install/disc/isoImage.ts';
import type { Guest } from '../support/guest.ts';
import { inInit, startInit } from '../support/guestServices.ts';
import type { Libvirtd } from '../support/libvirtd.ts';
import { pollUntil } from '../support/polling.ts';
import type { TestPool } from '../support/storagePool.ts';
import type { Workbench } from '../support/vscodeWorkbench.ts';
import { tidyBetweenTests } from './betweenTests.ts';
import { WindowSetUp } from './windowSetUp.ts';

const goOn = 'Continue with the Inserted CD…';
const windows = 'guestwire-test-disc-windows';

/** It is never started: what is asked and said of a Windows guest follows from what libosinfo wrote into it. */
const windowsXml = `<domain type="qemu">
  <name>${windows}</name>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://microsoft.com/win/10"/>
    </libosinfo:libosinfo>
  </metadata>
  <memory unit="MiB">16</memory>
  <os><type arch="x86_64" machine="q35">hvm</type></os>
</domain>`;

describe('the installer CD', () => {
  const setUp = new WindowSetUp();
  const { workspace } = setUp;
  workspace.add('notes.txt', 1000);
  let libvirtd: Libvirtd;
  let connection: LibvirtConnection;
  let pool: TestPool;
  let otherPool: TestPool;
  let former: string;
  let guest: Guest;
  let domain: Domain;
  let workbench: Workbench;

  before(async () => {
    libvirtd = await setUp.libvirtd();
    connection = await setUp.connection();
    pool = await setUp.pool('images');
    otherPool = await setUp.pool('other');
    former = path.join(pool.folder, 'former.iso');
    const files = [{ name: 'former.txt', content: Buffer.from('the former medium') }];
    fs.writeFileSync(former, makeDisc(files, { volume: 'FORMER', date: new Date(0) }));
    guest = await setUp.guest({
      name: 'disc',
      startReceiver: false,
      furtherDevices: `
        <disk type="file" device="cdrom">
          <source file="${former}"/><target dev="hdc" bus="ide"/><readonly/>
        </disk>
        <disk type="file" device="cdrom"><target dev="hdd" bus="ide"/><readonly/></disk>`,
    });
    domain = await connection.lookupByName(guest.name);
    const windowsDomain = await connection.defineDomainXml(windowsXml);
    setUp.atEnd(() => connection.undefineDomain(windowsDomain));
    await guest.loadCdDrivers();
    await guest.mustRun("mkdir -p /mnt && printf '::sysinit:/bin/true\\n' > /etc/inittab");
    await startInit(guest);
    workbench = await setUp.window({ 'guestwire.connections': [libvirtd.uri] });
  });

  tidyBetweenTests(() => workbench);

  async function chooseDisc(domainName: string, way = 'Insert an Installer CD…'): Promise<void> {
    await workbench.runCommand('Guestwire: Install Guest Receiver…');
    await workbench.pick(domainName);
    await workbench.asked('Install Receiver in');
    await workbench.pick(way);
  }

  /** What the domain's drives hold, by their names. */
  async function media(inactive = false): Promise<Record<string, string | undefined>> {
    const drives = cdDrives(await connection.domainXml(domain, { inactive }));
    return Object.fromEntries(drives.map(drive => [drive.target, drive.path]));
  }

  async function press(button: string, shown: RegExp, picture: string): Promise<void> {
    await workbench.dialog.filter({ hasText: shown }).waitFor();
    await workbench.screenshots(picture);
    await workbench.press(button);
  }

  async function pressInNotification(text: string, button: string): Promise<void> {
    const notification = workbench.notification(text);
    await notification.getByRole('button', { name: button, exact: true }).click();
  }

  /** One that was only just started may need to be looked for again. */
  async function receiverIsFound(): Promise<void> {
    const found = workbench.notification('A receiver answered in');
    const silent = workbench.notification('No receiver answered');
    await found.or(silent).first().waitFor();
    if (await found.isVisible()) return;
    await silent.getByRole('button', { name: 'Check Again' }).click();
    await silent.waitFor({ state: 'hidden' });
    await receiverIsFound();
  }

  it('the installer CD is inserted after three questions that show what will happen', async () => {
    await chooseDisc(guest.name);
    await workbench.quickInput.locator('.monaco-list-row', { hasText: 'hdd (IDE)' }).waitFor();
    await workbench.screenshots('disc-drive');
    await workbench.pick('hdc (IDE)');
    await workbench.quickInput.locator('.monaco-list-row', { hasText: otherPool.name }).waitFor();
    await workbench.screenshots('disc-pool');
    await workbench.pick(pool.name);
    await press('Insert', /The drive contains .*former\.iso/, 'disc-insert');
    await workbench.notification('The installer CD is in drive hdc').waitFor();
    await workbench.screenshots('disc-inserted');
    const { hdc, hdd } = await media();
    assert.equal(path.dirname(hdc ?? ''), pool.folder);
    assert.match(path.basename(hdc ?? ''), /^guestwire-\d.*\.iso$/);
    assert.equal(hdd, undefined);
    assert.deepEqual((await media(true)).hdc, former);
  });

  it('the shown command installs the receiver from the CD, and ejecting it restores the previous medium', async () => {
    await chooseDisc(guest.name, goOn);
    await pressInNotification('The installer CD is in drive hdc', 'Show Steps');
    await press('Copy Linux Command', /sh \/mnt\/install\.sh/, 'disc-steps');
    const command = String(await workbench.page.evaluate('navigator.clipboard.readText()'));
    // As udev does, where there is one, to learn of another medium.
    await guest.run('dd if=/dev/sr0 of=/dev/null count=1');
    assert.match(await inInit(guest, command, 60_000), /receiver runs/);
    await pressInNotification('The installer CD is in drive hdc', 'Check Receiver');
    await receiverIsFound();
    await workbench.screenshots('disc-answers');
    const { hdc: image = '' } = await media();
    await pressInNotification('A receiver answered in', 'Remove CD…');
    await press('Eject', /restore the previous medium\?/, 'disc-take-out');
    await workbench.notification('The previous medium was restored').waitFor();
    await workbench.screenshots('disc-taken-out');
    assert.equal((await media()).hdc, former);
    assert.equal(fs.existsSync(image), false);
  });

  it('a Windows domain without a CD drive gets one, and the steps for Windows', async () => {
    await chooseDisc(windows);
    await workbench.pick(pool.name);
    await press('Add Drive', /The domain has no CD drive/, 'disc-windows-add');
    await pressInNotification('The installer CD will be available the next time', 'Show Steps');
    await workbench.dialog.filter({ hasText: 'Double-click install.cmd' }).waitFor();
    await workbench.screenshots('disc-windows-steps');
    await workbench.press('Close');
    const stored = async () =>
      cdDrives(await connection.domainXml(await connection.lookupByName(windows), { inactive: true }));
    assert.match((await stored())[0]?.path ?? '', /guestwire-.*\.iso$/);
    await pressInNotification('The installer CD will be available the next time', 'Remove CD…');
    await press('Remove Drive', /Remove the CD drive with/, 'disc-windows-take-away');
    await workbench.notification('The CD drive was removed').waitFor();
    await pollUntil('the drive is gone from the definition', async () => (await stored()).length === 0);
  });
});
