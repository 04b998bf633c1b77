/**
 * Storage pools and volumes between their XDR shapes and ours (src/remote/remote_protocol.x):
 *
 *   remote_nonnull_storage_pool  { string name, opaque uuid[16] }
 *   remote_nonnull_storage_vol   { string pool, string name, string key }
 *   remote_storage_pool_get_info_ret
 *                                { u8 state, u64 capacity, u64 allocation, u64 available }
 */
import { STORAGE_POOL_LIST_MAX, UUID_BYTES } from './constants.ts';
import { formatUuid, parseUuid } from './domainCodec.ts';
import type { StoragePool, StoragePoolInfo, StoragePoolState, StorageVolume } from './types.ts';
import type { XdrReader, XdrWriter } from './xdr.ts';

/** Name length + UUID: the smallest remote_nonnull_storage_pool. */
const POOL_MIN_BYTES = 4 + UUID_BYTES;

// include/libvirt/libvirt-storage.h: virStoragePoolState, in order from 0
const STATES: readonly StoragePoolState[] = ['inactive', 'building', 'running', 'degraded', 'inaccessible'];

export function readPool(reader: XdrReader): StoragePool {
  return { name: reader.string(), uuid: formatUuid(reader.fixed(UUID_BYTES)) };
}

export function writePool(writer: XdrWriter, pool: StoragePool): XdrWriter {
  return writer.string(pool.name).fixed(parseUuid(pool.uuid));
}

export function readPoolList(reader: XdrReader): StoragePool[] {
  const pools = reader.array(STORAGE_POOL_LIST_MAX, POOL_MIN_BYTES, readPool);
  reader.u32(); // the number of pools once more
  return pools;
}

/** remote_storage_pool_get_info_ret: XDR widens the char to 4 bytes. */
export function readPoolInfo(reader: XdrReader): StoragePoolInfo {
  return {
    state: STATES[reader.i32()] ?? 'inaccessible',
    capacityBytes: reader.u64(),
    allocationBytes: reader.u64(),
    availableBytes: reader.u64(),
  };
}

export function readVolume(reader: XdrReader): StorageVolume {
  return { pool: reader.string(), name: reader.string(), key: reader.string() };
}

export function writeVolume(writer: XdrWriter, { pool, name, key }: StorageVolume): XdrWriter {
  return writer.string(pool).string(name).string(key);
}
