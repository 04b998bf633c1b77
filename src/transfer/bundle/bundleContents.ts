/** A bundle's items as its stream, with what has to be known of them when the answer comes. */
import { hash } from 'node:crypto';
import type { SourceSystem } from '../sourceSystem.ts';
import type { BundleItem } from './bundleItem.ts';
import { directoryAttributesRecord, fileRecord, newDirectoryRecord } from './bundleRecord.ts';
import { readContents } from './readContents.ts';

interface BundledItem {
  readonly item: BundleItem;
  /** SHA-256 of a file's contents as they are in the stream. */
  readonly sha256: string | null;
}

interface BundleContents {
  readonly stream: Buffer;
  /** In the order of their records. */
  readonly bundled: readonly BundledItem[];
  /** Files that cannot be read, or have changed since they were looked at. */
  readonly leftOut: BundleItem[];
  readonly fileBytes: number;
}

export async function readBundle(
  system: SourceSystem,
  items: readonly BundleItem[],
): Promise<BundleContents> {
  const contents = await readContents(system, items);
  const parts: Buffer[] = [];
  const bundled: BundledItem[] = [];
  const leftOut: BundleItem[] = [];
  let fileBytes = 0;
  for (const [index, item] of items.entries()) {
    const bytes = contents[index];
    if (item.kind === 'file' && !bytes) {
      leftOut.push(item);
      continue;
    }
    parts.push(recordOf(item));
    if (bytes) parts.push(bytes);
    bundled.push({ item, sha256: bytes ? hash('sha256', bytes) : null });
    fileBytes += bytes?.length ?? 0;
  }
  return { stream: Buffer.concat(parts), bundled, leftOut, fileBytes };
}

function recordOf({ kind, name, entry }: BundleItem): Buffer {
  if (kind === 'file') return fileRecord(name, entry.info);
  return kind === 'directory'
    ? newDirectoryRecord(name, entry.info)
    : directoryAttributesRecord(name, entry.info);
}
