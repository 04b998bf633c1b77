/** The stream of a bundle or a compare as it goes over: hashed, and compressed where that pays. */
import { hash } from 'node:crypto';
import { type Piece, pieceOf } from '../pieces.ts';
import type { SourceStreams } from '../sourceStreams.ts';

export interface SealedStream {
  readonly bytes: number;
  readonly sha256: string;
  /** Nobody has to let go of it, so several guests may be sent the same one. */
  readonly piece: Piece;
}

export async function sealStream(streams: SourceStreams, stream: Buffer): Promise<SealedStream> {
  const encoder = streams.newEncoder(stream.length);
  const piece = await pieceOf(stream, encoder).finally(() => encoder?.close());
  return { bytes: stream.length, sha256: hash('sha256', stream), piece };
}
