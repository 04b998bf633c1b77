// The installer's CD, from its image to a receiver that answers: real libvirtd, real guest, real installer.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import type { Domain, LibvirtConnection } from 'libvirt';
import { openGuest } from '../../../src/engine/guest/openGuest.ts';
import { cdDrives, newDrive } from '../../../src/install/disc/cdDrives.ts';
import { makeInstallerDisc } from '../../../src/install/disc/discFiles.ts';
import { deleteDisc, discPools, uploadDisc } from '../../../src/install/disc/discVolume.ts';
import {
  drivePlans,
  insertDisc,
  isHeldByGuest,
  readDriveFacts,
  takeOutDisc,
} from '../../../src/install/disc/insertDisc.ts';
import { makeDisc } from '../../../src/install/disc/isoImage.ts';
import type { Guest } from '../../support/guest.ts';
import { inInit, killInit, startInit } from '../../support/guestServices.ts';
import type { Libvirtd } from '../../support/libvirtd.ts';
import { repositoryRoot } from '../../support/paths.ts';
import { pollUntil } from '../../support/polling.ts';
import { SetUp } from '../../support/setUp.ts';
import type { TestPool } from '../../support/storagePool.ts';

const guestFolder = path.join(repositoryRoot, 'dist/guest');
const version = '0.0.1';

describe("the installer's CD", () => {
  const setUp = new SetUp();
  let libvirtd: Libvirtd;
  let pool: TestPool;
  let guest: Guest;
  let connection: LibvirtConnection;
  let domain: Domain;
  let image: Buffer;
  let former: string;

  before(async () => {
    libvirtd = await setUp.libvirtd();
    pool = await setUp.pool('disc');
    former = path.join(pool.folder, 'former & old.iso');
    const files = [{ name: 'former.txt', content: Buffer.from('the former medium') }];
    fs.writeFileSync(former, makeDisc(files, { volume: 'FORMER', date: new Date(0) }));
    const source = former.replace('&', '&amp;');
    guest = await setUp.guest({
      name: 'disc',
      startReceiver: false,
      furtherDevices: `<controller type="scsi" model="virtio-scsi"/>
        <disk type="file" device="cdrom">
          <driver name="qemu" type="raw" cache="none"/>
          <source file="${source}"/><target dev="hdc" bus="ide"/><readonly/>
        </disk>`,
    });
    connection = await setUp.connection();
    domain = await connection.lookupByName(guest.name);
    image = await makeInstallerDisc(guestFolder);
    await guest.loadCdDrivers();
    await guest.mustRun('mkdir -p /mnt');
  });

  const upload = async () => {
    const places = await discPools(connection, image.length);
    const place = places.find(one => one.pool.name === pool.name);
    assert.ok(place);
    return uploadDisc(connection, place.pool, image, { name: `guestwire-${version}` });
  };
  const media = async (inactive = false) =>
    cdDrives(await connection.domainXml(domain, { inactive })).map(drive => drive.path);

  it('is put into the drive, installs a receiver that answers, and gives way to the former medium', async () => {
    assert.equal(await onCd('cat former.txt'), 'the former medium');

    const file = await upload();
    assert.equal(file, path.join(pool.folder, `guestwire-${version}.iso`));
    assert.ok(fs.readFileSync(file).equals(image));
    const [plan, ...others] = drivePlans(await readDriveFacts(connection, domain));
    assert.ok(plan);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [plan.kind, plan.where, plan.drive.target, plan.drive.path],
      ['change', 'guest', 'hdc', former],
    );
    const inserted = await insertDisc(connection, domain, plan, file);
    assert.deepEqual([await media(), await media(true)], [[file], [former]]);

    const sums = (await onCd('sha256sum *')).trim().split('\n');
    assert.deepEqual(sums.sort(), expectedSums());

    await guest.mustRun("printf '::sysinit:/bin/true\\n' > /etc/inittab");
    await startInit(guest);
    const said = await inInit(guest, 'mount -o ro -t iso9660 /dev/sr0 /mnt && sh /mnt/install.sh', 60_000);
    assert.match(said, /receiver runs \(\/usr\/bin\/python3 .*after each start \(busybox\)/);
    await answers();
    await assert.rejects(takeOutDisc(connection, domain, inserted), error => isHeldByGuest(error));
    assert.deepEqual(await media(), [file]);
    await inInit(guest, 'umount /mnt');

    await takeOutDisc(connection, domain, inserted);
    assert.deepEqual([await media(), await media(true)], [[former], [former]]);
    assert.equal(await deleteDisc(connection, file), true);
    assert.equal(fs.existsSync(file), false);
    assert.equal(await onCd('cat former.txt'), 'the former medium');
  });

  it('is put in by force where the guest holds what is in the drive', async () => {
    const file = await upload();
    const [plan] = drivePlans(await readDriveFacts(connection, domain));
    assert.ok(plan);
    await guest.mustRun(`${mount('/dev/sr0')} && cat /mnt/former.txt`);
    await assert.rejects(insertDisc(connection, domain, plan, file), error => isHeldByGuest(error));
    const inserted = await insertDisc(connection, domain, plan, file, true);
    await guest.mustRun('umount /mnt');
    assert.match(await onCd('ls'), /install\.sh/);
    await takeOutDisc(connection, domain, inserted);
    assert.equal(await deleteDisc(connection, file), true);
  });

  it('has installed it for each start, and takes it away again', async () => {
    await killInit(guest);
    await startInit(guest);
    await answers();
    const said = await inInit(guest, 'sh /usr/local/lib/guestwire/install.sh --uninstall', 60_000);
    assert.match(said, /no longer installed/);
    assert.equal(await guest.mustRun('cat /etc/inittab'), '::sysinit:/bin/true\n');
    assert.equal((await guest.run('ls /usr/local/lib/guestwire')).status, 1);
    assert.equal((await guest.run('ps | grep -v grep | grep guestwire/receiver')).stdout, '');
  });

  it('comes with a drive of its own where there is none, and goes with it', async () => {
    const file = await upload();
    const drive = newDrive('scsi', ['hdc']);
    assert.ok(drive);
    const inserted = await insertDisc(connection, domain, { kind: 'add', where: 'guest', drive }, file);
    assert.deepEqual([await media(), await media(true)], [[former, file], [former]]);
    await guest.mustRun('until [ -e /dev/sr1 ]; do usleep 50000; done');
    assert.match(await onCd('ls', '/dev/sr1'), /install\.sh/);
    await takeOutDisc(connection, domain, inserted);
    const gone = async () => (await media()).length === 1;
    await pollUntil('the drive is gone', gone);
    assert.equal(await deleteDisc(connection, file), true);
  });

  it('leaves alone what another domain has in its drive', async () => {
    const first = await upload();
    const [plan] = drivePlans(await readDriveFacts(connection, domain));
    assert.ok(plan);
    const inserted = await insertDisc(connection, domain, plan, first);
    const second = await upload();
    assert.equal(second, path.join(pool.folder, `guestwire-${version}-2.iso`));
    assert.equal(await deleteDisc(connection, first), false);
    assert.equal(await deleteDisc(connection, second), true);
    await takeOutDisc(connection, domain, inserted);
    assert.equal(await deleteDisc(connection, first), true);
  });

  /** The first read after a change of the medium fails, which is how Linux learns of it where no udev looks first. */
  function mount(device: string): string {
    return `{ mount -t iso9660 -o ro ${device} /mnt 2> /dev/null || mount -t iso9660 -o ro ${device} /mnt; }`;
  }

  function onCd(command: string, device = '/dev/sr0'): Promise<string> {
    return guest.mustRun(`${mount(device)} && (cd /mnt && ${command}) && umount /mnt`, {
      timeoutMs: 120_000,
    });
  }

  function expectedSums(): string[] {
    const names = fs
      .readdirSync(guestFolder)
      .filter(name => /^(install|uninstall|receiver)\.(cmd|ps1|py|sh)$/.test(name));
    const hasWindows = names.includes('receiver.ps1');
    const onDisc = names.filter(name => hasWindows || !/\.(cmd|ps1)$/.test(name));
    const renamed: Record<string, string> = { 'disc.txt': 'README.txt', LICENSE: 'LICENSE.txt' };
    return [...onDisc, ...Object.keys(renamed)]
      .map(name => {
        const content = fs.readFileSync(path.join(guestFolder, name));
        return `${createHash('sha256').update(content).digest('hex')}  ${renamed[name] ?? name}`;
      })
      .sort();
  }

  async function answers(): Promise<void> {
    const { uri } = libvirtd;
    const target = { kind: 'domain', uri, name: guest.name, link: 'org.guestwire.0' } as const;
    const attempt = async () =>
      openGuest(target, { signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
    const opened = await pollUntil('a receiver answers', attempt, { timeoutMs: 120_000, intervalMs: 500 });
    assert.equal(opened.session.welcome.system, 'linux');
    await opened.close();
  }
});
