/** A bundle's items as its stream, ready to be sent, with what has to be known of them when the answer comes. */
import type { SourceStreams } from '../sourceStreams.ts';
import type { BundleItem } from './bundleItem.ts';
import { directoryAttributesRecord, fileRecord, newDirectoryRecord } from './bundleRecord.ts';
import { type Contents, type KnownContents, readContents } from './readContents.ts';
import { type SealedStream, sealStream } from './sealedStream.ts';

export interface Bundle {
  readonly sealed: SealedStream;
  /** Of each item; `left out` is a file that cannot be read, or has changed since it was looked at. */
  readonly parts: readonly BundlePart[];
  readonly fileBytes: number;
}

/** A file's contents lie in the stream. */
export type BundlePart = Contents | 'directory' | 'left out';

export async function makeBundle(
  streams: SourceStreams,
  items: readonly BundleItem[],
  known: readonly KnownContents[] = [],
): Promise<Bundle> {
  const contents = await readContents(streams.system, items, known);
  const pieces = items.map((item, index) => piecesOf(item, contents[index]));
  const stream = Buffer.concat(pieces.flat());
  const parts: BundlePart[] = [];
  let at = 0;
  let fileBytes = 0;
  for (const [index, [record]] of pieces.entries()) {
    const content = contents[index];
    const from = at + (record?.length ?? 0);
    at = from + (content?.bytes.length ?? 0);
    fileBytes += at - from;
    if (content) parts.push({ bytes: stream.subarray(from, at), sha256: content.sha256 });
    else parts.push(record ? 'directory' : 'left out');
  }
  return { sealed: await sealStream(streams, stream), parts, fileBytes };
}

/** Its record and its contents; nothing of a file that is left out. */
function piecesOf(item: BundleItem, contents: Contents | undefined): Buffer[] {
  if (contents) return [recordOf(item), contents.bytes];
  return item.kind === 'file' ? [] : [recordOf(item)];
}

/** What stands in the stream before a file's contents. */
export function recordOf({ kind, name, entry }: BundleItem): Buffer {
  if (kind === 'file') return fileRecord(name, entry.info);
  return kind === 'directory'
    ? newDirectoryRecord(name, entry.info)
    : directoryAttributesRecord(name, entry.info);
}
