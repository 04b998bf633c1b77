// Storage pools, uploads and the medium in a domain's CD drive, with a real libvirtd.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import { connect, type Domain, type LibvirtConnection, type StoragePool, type StorageVolume } from 'libvirt';
import { ensureLibvirtd, type Libvirtd } from '../../support/libvirtd.ts';
import { run } from '../../support/processes.ts';
import { randomBytes, seededRandom } from '../../support/random.ts';
import { makeTestPool, type TestPool } from '../../support/storagePool.ts';

let daemon: Libvirtd;
let connection: LibvirtConnection;
let folder: TestPool;
let pool: StoragePool;
let domain: Domain | undefined;

before(async () => {
  daemon = await ensureLibvirtd();
  connection = await connect(daemon.uri);
  folder = await makeTestPool(daemon.uri, 'storage');
  pool = await connection.storage.lookupPool(folder.name);
});

after(async () => {
  if (domain) {
    await connection.destroyDomain(domain).catch(() => undefined); // it may be off
    await connection.undefineDomain(domain);
  }
  await folder.remove();
  await connection.close();
  await daemon.stop();
});

function describeVolume(name: string, bytes: number): string {
  return `<volume><name>${name}</name><capacity unit="bytes">${bytes}</capacity><target><format type="raw"/></target></volume>`;
}

async function upload(volume: StorageVolume, bytes: Buffer): Promise<void> {
  const stream = await connection.storage.openUpload(volume, bytes.length);
  stream.resume().end(bytes);
  await finished(stream);
}

test('pools are listed and looked up', async () => {
  assert.match(pool.uuid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const listed = await connection.storage.listActivePools();
  assert.deepEqual(
    listed.filter(({ name }) => name === folder.name),
    [pool],
  );
  const info = await connection.storage.poolInfo(pool);
  assert.equal(info.state, 'running');
  assert.ok(info.availableBytes > 0n && info.availableBytes <= info.capacityBytes);
  assert.match(await connection.storage.poolXml(pool), /<pool type=['"]dir['"]/);
  await assert.rejects(connection.storage.lookupPool('guestwire-test-none'), { code: 'no-pool', number: 49 });
});

test('a volume is created, filled, found and deleted', async () => {
  const bytes = Buffer.from(randomBytes(seededRandom(7), 1_500_001));
  const volume = await connection.storage.createVolume(pool, describeVolume('whole.img', bytes.length));
  assert.deepEqual([volume.pool, volume.name], [folder.name, 'whole.img']);
  assert.deepEqual(await connection.storage.lookupVolume(pool, 'whole.img'), volume);
  const file = await connection.storage.volumePath(volume);
  assert.equal(file, path.join(folder.folder, 'whole.img'));
  assert.deepEqual(await connection.storage.lookupVolumeByPath(file), volume);

  await upload(volume, bytes);
  assert.ok(fs.readFileSync(file).equals(bytes));

  await assert.rejects(connection.storage.createVolume(pool, describeVolume('whole.img', 1)), {
    code: 'volume-exists',
    number: 90,
  });
  await connection.storage.deleteVolume(volume);
  assert.equal(fs.existsSync(file), false);
  await assert.rejects(connection.storage.lookupVolume(pool, 'whole.img'), { code: 'no-volume', number: 50 });
  await assert.rejects(connection.storage.openUpload(volume, 1), { code: 'no-volume' });
});

test('more bytes than announced are refused, in words of an upload', async () => {
  const volume = await connection.storage.createVolume(pool, describeVolume('small.img', 1000));
  const stream = await connection.storage.openUpload(volume, 1000);
  stream.resume().end(Buffer.alloc(600_000));
  await assert.rejects(finished(stream), { code: 'stream-failed', message: /upload of "small.img"/ });
  await connection.storage.deleteVolume(volume);
});

test('an upload that is broken off disturbs nothing, and the volume can be deleted', async () => {
  const volume = await connection.storage.createVolume(pool, describeVolume('broken.img', 4_000_000));
  const stream = await connection.storage.openUpload(volume, 4_000_000);
  stream.write(Buffer.alloc(100_000));
  stream.destroy();
  if (!stream.closed) await once(stream, 'close');
  assert.equal(stream.errored, null);
  await connection.storage.deleteVolume(volume);
});

test('a file that came by another way is seen after a refresh', async () => {
  fs.writeFileSync(path.join(folder.folder, 'stray.img'), 'x');
  await assert.rejects(connection.storage.lookupVolume(pool, 'stray.img'), { code: 'no-volume' });
  await connection.storage.refreshPool(pool);
  assert.equal((await connection.storage.lookupVolume(pool, 'stray.img')).name, 'stray.img');
});

test('a medium is put into the CD drive of a running domain, and taken out', async () => {
  const volume = await connection.storage.createVolume(pool, describeVolume('disc.iso', 4096));
  const file = await connection.storage.volumePath(volume);
  const drive = (source: string) =>
    `<disk type="file" device="cdrom"><driver name="qemu" type="raw"/>${source}<target dev="hda" bus="ide"/><readonly/></disk>`;
  const defined = await connection.defineDomainXml(`<domain type="qemu">
    <name>guestwire-test-libvirt-storage</name>
    <memory unit="MiB">32</memory>
    <os><type arch="x86_64" machine="pc">hvm</type></os>
    <devices><controller type="usb" model="none"/><memballoon model="none"/>${drive('')}</devices>
  </domain>`);
  // Paused, for while the BIOS resets the drive, QEMU's tray and what libvirt knows of it may part.
  await run('virsh', ['-q', '-c', daemon.uri, 'start', '--paused', defined.name], { timeoutMs: 180_000 });
  const started = await connection.lookupByName(defined.name);
  domain = started;
  const media = async () => {
    const live = await connection.domainXml(defined);
    const stored = await connection.domainXml(defined, { inactive: true });
    return [live, stored].map(xml => xml.includes(file));
  };
  const withDisc = drive(`<source file="${file}"/>`);
  await connection.updateDevice(started, withDisc, { live: true, config: false });
  assert.deepEqual(await media(), [true, false]);
  await connection.updateDevice(started, withDisc, { live: false, config: true });
  assert.deepEqual(await media(), [true, true]);
  const empty = drive('');
  await connection.updateDevice(started, empty, { live: true, config: true, force: true });
  assert.deepEqual(await media(), [false, false]);
  await connection.storage.deleteVolume(volume);
});
