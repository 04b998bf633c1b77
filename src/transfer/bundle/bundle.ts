/** A bundle's items as its stream, ready to be sent, with what has to be known of them when the answer comes. */
import { hash } from 'node:crypto';
import { type EncodedSources, type Piece, pieceOf } from '../pieces.ts';
import type { BundleItem } from './bundleItem.ts';
import { recordOf } from './bundleRecord.ts';
import { type Contents, type KnownContents, readContents } from './readContents.ts';

/** The stream of a bundle or a compare as it goes over: hashed, and compressed where that pays. */
export interface SealedStream {
  readonly bytes: number;
  readonly sha256: string;
  /** Nobody has to let go of it, so several guests may be sent the same one. */
  readonly piece: Piece;
}

export interface Bundle {
  readonly sealed: SealedStream;
  /** Of each item; `left out` is a file that can't be read, or has changed since it was looked at. */
  readonly parts: readonly BundlePart[];
  readonly fileBytes: number;
}

/** A file's contents lie in the stream. */
export type BundlePart = Contents | 'directory' | 'left out';

export async function makeBundle(
  sources: EncodedSources,
  items: readonly BundleItem[],
  known: readonly KnownContents[] = [],
): Promise<Bundle> {
  const contents = await readContents(sources.system, items, known);
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
  return { sealed: await sealStream(sources, stream), parts, fileBytes };
}

/** Its record and its contents; nothing of a file that is left out. */
function piecesOf(item: BundleItem, contents: Contents | undefined): Buffer[] {
  if (contents) return [recordOf(item), contents.bytes];
  return item.kind === 'file' ? [] : [recordOf(item)];
}

export async function sealStream(sources: EncodedSources, stream: Buffer): Promise<SealedStream> {
  const encoder = sources.newEncoder(stream.length);
  const piece = await pieceOf(stream, encoder).finally(() => encoder?.close());
  return { bytes: stream.length, sha256: hash('sha256', stream), piece };
}
