import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { LibvirtError, type LibvirtStream, type StorageVolume } from 'libvirt';
import {
  deleteDisc,
  discPools,
  type StorageConnection,
  uploadDisc,
} from '../../../src/install/disc/discVolume.ts';

const domain = { name: 'demo', uuid: '00000000-0000-0000-0000-000000000000', id: 1 };
const pool = { name: 'default', uuid: domain.uuid };
const image = Buffer.from('the image');

interface FakeOptions {
  readonly types?: Readonly<Record<string, string>>;
  readonly freeBytes?: bigint;
  /** What the one domain's XML holds. */
  readonly inDrive?: string;
  readonly onUpload?: (chunk: Buffer, done: (error?: Error) => void) => void;
}

/** Libvirt's storage with its volumes in a Map. */
function fakeStorage({
  types = { default: 'dir' },
  freeBytes = 1_000_000n,
  inDrive = '',
  onUpload,
}: FakeOptions = {}) {
  const volumes = new Map<string, Buffer>();
  const volume = (name: string): StorageVolume => ({ pool: 'default', name, key: `/pool/${name}` });
  const lookup = async (name: string) => {
    if (!volumes.has(name)) throw new LibvirtError('no-volume', 'Storage volume not found', { number: 50 });
    return volume(name);
  };
  const storage = {
    listActivePools: async () => Object.keys(types).map(name => ({ ...pool, name })),
    poolXml: async ({ name }) => `<pool type='${types[name]}'/>`,
    poolInfo: async () => ({
      state: 'running',
      capacityBytes: 0n,
      allocationBytes: 0n,
      availableBytes: freeBytes,
    }),
    lookupVolume: async (_pool, name) => lookup(name),
    lookupVolumeByPath: async path => lookup(path.replace('/pool/', '')),
    createVolume: async (_pool, xml) => {
      const [, name = ''] = /<name>(.*)<\/name>/.exec(xml) ?? [];
      assert.ok(!volumes.has(name));
      volumes.set(name, Buffer.alloc(0));
      return volume(name);
    },
    deleteVolume: async ({ name }) => void volumes.delete(name),
    volumePath: async ({ key }) => key,
    openUpload: async ({ name }) => {
      const stream = new Writable({
        write: (chunk, _encoding, done) => {
          volumes.set(name, Buffer.concat([volumes.get(name) ?? Buffer.alloc(0), chunk]));
          if (onUpload) onUpload(chunk, done);
          else done();
        },
      });
      return Object.assign(stream, { resume: () => stream }) as unknown as LibvirtStream;
    },
  } as Partial<StorageConnection['storage']> as StorageConnection['storage'];
  const connection: StorageConnection = {
    storage,
    listDomains: async () => [{ ...domain, state: 'running' }],
    domainXml: async () => `<source file='${inDrive}'/>`,
  };
  return { connection, volumes };
}

const options = { name: 'guestwire-1.0.0' };

describe('the pools for the image', () => {
  it('are those of files with room, the default first', async () => {
    const { connection } = fakeStorage({
      types: { a: 'dir', block: 'logical', remote: 'rbd', default: 'fs', share: 'netfs' },
    });
    const names = (await discPools(connection, 1000)).map(one => one.pool.name);
    assert.deepEqual(names, ['default', 'a', 'share']);
    assert.deepEqual(await discPools(fakeStorage({ freeBytes: 1000n }).connection, 1000), []);
  });
});

describe('the upload of the image', () => {
  it('replaces one of before that nobody has in a drive', async () => {
    const { connection, volumes } = fakeStorage();
    volumes.set('guestwire-1.0.0.iso', Buffer.from('old'));
    assert.equal(await uploadDisc(connection, pool, image, options), '/pool/guestwire-1.0.0.iso');
    assert.deepEqual([...volumes], [['guestwire-1.0.0.iso', image]]);
  });

  it('takes the next name beside one that is in a drive, which is not deleted either', async () => {
    const inDrive = '/pool/guestwire-1.0.0.iso';
    const { connection, volumes } = fakeStorage({ inDrive });
    volumes.set('guestwire-1.0.0.iso', Buffer.from('old'));
    assert.equal(await uploadDisc(connection, pool, image, options), '/pool/guestwire-1.0.0-2.iso');
    assert.equal(await deleteDisc(connection, inDrive), false);
    assert.equal(await deleteDisc(connection, '/pool/guestwire-1.0.0-2.iso'), true);
    assert.deepEqual([...volumes.keys()], ['guestwire-1.0.0.iso']);
  });

  it('leaves nothing behind when it fails, and says why', async () => {
    const { connection, volumes } = fakeStorage({ onUpload: (_, done) => done(new Error('no space left')) });
    await assert.rejects(uploadDisc(connection, pool, image, options), /no space left/);
    assert.equal(volumes.size, 0);
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const controller = new AbortController();
    const { connection, volumes } = fakeStorage({ onUpload: () => controller.abort() });
    await assert.rejects(uploadDisc(connection, pool, image, { ...options, signal: controller.signal }));
    assert.equal(volumes.size, 0);
  });
});
