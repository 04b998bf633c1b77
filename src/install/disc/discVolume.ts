import { finished } from 'node:stream/promises';
import type { LibvirtConnection, StoragePool, StorageVolume } from 'libvirt';
import { escapeXml } from './cdDrives.ts';

export type StorageConnection = Pick<LibvirtConnection, 'domainXml' | 'listDomains' | 'storage'>;

export interface DiscPool {
  readonly pool: StoragePool;
  readonly availableBytes: bigint;
}

/** Kinds of pools whose volumes are files, which is what a CD drive takes. */
const FILE_POOL = /<pool\s[^>]*?type=(['"])(dir|fs|netfs)\1/;
/** How many of our CDs of one version a pool may hold: each is in use in another domain. */
const MAX_COPIES = 99;

/** Pools the image can go to; libvirt's own `default` first. */
export async function discPools(connection: StorageConnection, imageBytes: number): Promise<DiscPool[]> {
  const { storage } = connection;
  const pools = await Promise.all(
    (await storage.listActivePools()).map(async pool => {
      if (!FILE_POOL.test(await storage.poolXml(pool))) return undefined;
      const { state, availableBytes } = await storage.poolInfo(pool);
      const fits = state === 'running' && availableBytes > BigInt(imageBytes);
      return fits ? { pool, availableBytes } : undefined;
    }),
  );
  const rank = ({ pool }: DiscPool) => (pool.name === 'default' ? 0 : 1);
  return pools
    .filter(pool => pool !== undefined)
    .sort((a, b) => rank(a) - rank(b) || a.pool.name.localeCompare(b.pool.name));
}

export interface UploadOptions {
  /** Without its ending. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

/** Puts the image into the pool. @returns where it is on libvirt's host */
export async function uploadDisc(
  connection: StorageConnection,
  pool: StoragePool,
  image: Buffer,
  { name, signal }: UploadOptions,
): Promise<string> {
  const volume = await createVolume(connection, pool, image.length, name);
  try {
    const stream = await connection.storage.openUpload(volume, image.length, { signal });
    const abort = () => stream.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    stream.resume().end(image);
    await finished(stream).finally(() => signal?.removeEventListener('abort', abort));
    signal?.throwIfAborted();
    return await connection.storage.volumePath(volume);
  } catch (error) {
    await connection.storage.deleteVolume(volume).catch(() => undefined); // the first error says more
    throw error;
  }
}

/** One that is there already is replaced, unless it is in use; then the next name is taken. */
async function createVolume(
  connection: StorageConnection,
  pool: StoragePool,
  bytes: number,
  name: string,
): Promise<StorageVolume> {
  for (let copy = 1; ; copy += 1) {
    const fileName = `${name}${copy === 1 ? '' : `-${copy}`}.iso`;
    const old = await findVolume(connection, pool, fileName);
    if (old !== undefined) {
      const path = await connection.storage.volumePath(old);
      if (copy < MAX_COPIES && (await isInUse(connection, path))) continue;
      await connection.storage.deleteVolume(old);
    }
    return connection.storage.createVolume(pool, volumeXml(fileName, bytes));
  }
}

async function findVolume(
  { storage }: StorageConnection,
  pool: StoragePool,
  name: string,
): Promise<StorageVolume | undefined> {
  try {
    return await storage.lookupVolume(pool, name);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'no-volume') return undefined;
    throw error;
  }
}

function volumeXml(name: string, bytes: number): string {
  return `<volume><name>${escapeXml(name)}</name><capacity unit='bytes'>${bytes}</capacity><target><format type='raw'/></target></volume>`;
}

/** Whether any domain has the file, now or from its next start on. */
async function isInUse(connection: StorageConnection, path: string): Promise<boolean> {
  const quoted = escapeXml(path);
  for (const domain of await connection.listDomains()) {
    for (const inactive of [false, true]) {
      // Gone since the list was made, or without a stored definition: then it doesn't have it either.
      const xml = await connection.domainXml(domain, { inactive }).catch(() => '');
      if (xml.includes(`'${quoted}'`) || xml.includes(`"${quoted}"`)) return true;
    }
  }
  return false;
}

/** @returns false where another domain has it in use, so that it stays. */
export async function deleteDisc(connection: StorageConnection, path: string): Promise<boolean> {
  if (await isInUse(connection, path)) return false;
  await connection.storage.deleteVolume(await connection.storage.lookupVolumeByPath(path));
  return true;
}
