/** Records of a bundle's stream, PROTOCOL.md §6, and the lists of their numbers in the answers. */
import { BUNDLE_HEADER_BYTES, NO_BUNDLE_MODE, NO_BUNDLE_MTIME } from '../../protocol/index.ts';
import { modeBits, mtimeOfRecord } from '../attributes.ts';
import type { SourceInfo } from '../sourceSystem.ts';
import type { BundleItem } from './bundleItem.ts';

/** The owner must be able to fill a directory; its real mode is set at the end. */
export const OWNER_ACCESS = 0o700;

/** What stands in the stream before a file's contents. */
export function recordOf({ kind, name, entry }: BundleItem): Buffer {
  if (kind === 'file') return fileRecord(name, entry.info);
  return kind === 'directory'
    ? newDirectoryRecord(name, entry.info)
    : directoryAttributesRecord(name, entry.info);
}

/** What stands before the contents of a file of this size. */
export function fileRecord(name: Buffer, info: SourceInfo): Buffer {
  return record(name, info.size, modeBits(info), mtimeOfRecord(info));
}

/** Makes a directory; the name has no `/` at its end yet. */
export function newDirectoryRecord(name: Buffer, info: SourceInfo): Buffer {
  return record(directoryName(name), 0, modeBits(info, OWNER_ACCESS), NO_BUNDLE_MTIME);
}

/** Gives a directory that is there its mode and mtime. */
export function directoryAttributesRecord(name: Buffer, info: SourceInfo): Buffer {
  return record(directoryName(name), 0, modeBits(info), mtimeOfRecord(info));
}

function directoryName(name: Buffer): Buffer {
  return Buffer.concat([name, Buffer.from('/')]);
}

function record(name: Buffer, size: number, mode: number | undefined, mtime: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(BUNDLE_HEADER_BYTES + name.length);
  let at = bytes.writeUInt16BE(name.length, 0);
  at = bytes.writeUInt16BE(mode ?? NO_BUNDLE_MODE, at);
  at = bytes.writeUInt32BE(size, at);
  at = bytes.writeBigUInt64BE(mtime, at);
  name.copy(bytes, at);
  return bytes;
}

/**
 * Reads a list such as `3,7-9`.
 *
 * @param count - of the records there are; what the guest says of others, or writes in another form, is ignored
 */
export function parseRecordNumbers(text: string | undefined, count: number): Set<number> {
  const numbers = new Set<number>();
  for (const part of text?.split(',') ?? []) {
    const run = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part);
    if (!run) continue;
    const last = Math.min(Number(run[2] ?? run[1]), count - 1);
    for (let number = Number(run[1]); number <= last; number += 1) numbers.add(number);
  }
  return numbers;
}
