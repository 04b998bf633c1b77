/**
 * The typed calls about storage pools and volumes, one method each. The structs (src/remote/remote_protocol.x); `pool`
 * is remote_nonnull_storage_pool, `vol` remote_nonnull_storage_vol:
 *
 *   connect_list_all_storage_pools   { i32 need_results, u32 flags } → { pool pools<>, u32 ret }
 *   storage_pool_lookup_by_name      { string } → pool
 *   storage_pool_{get_xml_desc,refresh}
 *                                    { pool, u32 flags } → string, nothing
 *   storage_vol_lookup_by_name       { pool, string } → vol
 *   storage_vol_lookup_by_path       { string } → vol
 *   storage_vol_create_xml           { pool, string xml, u32 flags } → vol
 *   storage_vol_get_path             { vol } → string
 *   storage_vol_delete               { vol, u32 flags }
 *   storage_vol_upload               { vol, u64 offset, u64 length, u32 flags }, then a stream
 */
import { POOLS_ACTIVE, PROC, UPLOAD_END_TIMEOUT_MS } from './constants.ts';
import { LibvirtError } from './errors.ts';
import type { Ticket } from './pendingCalls.ts';
import type { RpcConnection } from './rpc.ts';
import { readPool, readPoolInfo, readPoolList, readVolume, writePool, writeVolume } from './storageCodec.ts';
import { RpcStream, type StreamNature } from './stream.ts';
import type {
  CallOptions,
  LibvirtStorage,
  LibvirtStream,
  StoragePool,
  StoragePoolInfo,
  StorageVolume,
} from './types.ts';
import { type XdrReader, XdrWriter } from './xdr.ts';

const readNothing = () => undefined;
const readString = (reader: XdrReader) => reader.string();

export class Storage implements LibvirtStorage {
  readonly #rpc: RpcConnection;
  readonly #openPrivate: (options: CallOptions) => Promise<RpcConnection>;

  constructor(rpc: RpcConnection, openPrivate: (options: CallOptions) => Promise<RpcConnection>) {
    this.#rpc = rpc;
    this.#openPrivate = openPrivate;
  }

  async listActivePools(options?: CallOptions): Promise<StoragePool[]> {
    const payload = new XdrWriter().i32(1).u32(POOLS_ACTIVE).finish();
    return this.#rpc.call(PROC.listAllStoragePools, payload, readPoolList, options);
  }

  async lookupPool(name: string, options?: CallOptions): Promise<StoragePool> {
    const payload = new XdrWriter().string(name).finish();
    return this.#rpc.call(PROC.storagePoolLookupByName, payload, readPool, options);
  }

  async poolInfo(pool: StoragePool, options?: CallOptions): Promise<StoragePoolInfo> {
    const payload = writePool(new XdrWriter(), pool).finish();
    return this.#rpc.call(PROC.storagePoolGetInfo, payload, readPoolInfo, options);
  }

  async poolXml(pool: StoragePool, options?: CallOptions): Promise<string> {
    const payload = writePool(new XdrWriter(), pool).u32(0).finish();
    return this.#rpc.call(PROC.storagePoolGetXmlDesc, payload, readString, options);
  }

  async refreshPool(pool: StoragePool, options?: CallOptions): Promise<void> {
    const payload = writePool(new XdrWriter(), pool).u32(0).finish();
    await this.#rpc.call(PROC.storagePoolRefresh, payload, readNothing, options);
  }

  async lookupVolume(pool: StoragePool, name: string, options?: CallOptions): Promise<StorageVolume> {
    const payload = writePool(new XdrWriter(), pool).string(name).finish();
    return this.#rpc.call(PROC.storageVolLookupByName, payload, readVolume, options);
  }

  async lookupVolumeByPath(path: string, options?: CallOptions): Promise<StorageVolume> {
    const payload = new XdrWriter().string(path).finish();
    return this.#rpc.call(PROC.storageVolLookupByPath, payload, readVolume, options);
  }

  async createVolume(pool: StoragePool, xml: string, options?: CallOptions): Promise<StorageVolume> {
    const payload = writePool(new XdrWriter(), pool).string(xml).u32(0).finish();
    return this.#rpc.call(PROC.storageVolCreateXml, payload, readVolume, options);
  }

  async volumePath(volume: StorageVolume, options?: CallOptions): Promise<string> {
    const payload = writeVolume(new XdrWriter(), volume).finish();
    return this.#rpc.call(PROC.storageVolGetPath, payload, readString, options);
  }

  async deleteVolume(volume: StorageVolume, options?: CallOptions): Promise<void> {
    const payload = writeVolume(new XdrWriter(), volume).u32(0).finish();
    await this.#rpc.call(PROC.storageVolDelete, payload, readNothing, options);
  }

  async openUpload(
    volume: StorageVolume,
    lengthBytes: number,
    options: CallOptions = {},
  ): Promise<LibvirtStream> {
    const payload = writeVolume(new XdrWriter(), volume)
      .u64(0n) // from the volume's beginning on
      .u64(BigInt(lengthBytes))
      .u32(0)
      .finish();
    const rpc = await this.#openPrivate(options);
    try {
      return await rpc.call(
        PROC.storageVolUpload,
        payload,
        (reader, ticket) => openStream(rpc, reader, ticket, volume),
        options,
      );
    } catch (error) {
      rpc.close();
      throw error;
    }
  }
}

function openStream(
  rpc: RpcConnection,
  reader: XdrReader,
  ticket: Ticket,
  { name }: StorageVolume,
): RpcStream {
  reader.end(); // before there is a stream, whose error nobody would hear
  return new RpcStream(rpc, ticket, uploadOf(name));
}

function uploadOf(name: string): StreamNature {
  return {
    endTimeoutMs: UPLOAD_END_TIMEOUT_MS,
    failed: error =>
      new LibvirtError('stream-failed', `libvirt ended the upload of "${name}": ${error.message}.`, {
        number: error.number,
        domain: error.domain,
        cause: error,
      }),
    unconfirmed: () =>
      new LibvirtError('stalled', `libvirt did not say that "${name}" is written; it may be incomplete.`),
  };
}
