/** Sends pieces through a put, cut into frames, as fast as the session takes them. */
import { DATA_OFFSET_BYTES, type PutStream, type Session } from '../protocol/index.ts';
import { abortable } from '../text/abort.ts';
import type { CompressionPolicy } from './compressionPolicy.ts';
import type { Piece, Pieces } from './pieces.ts';

export class FileSender {
  readonly #signal: AbortSignal | undefined;
  readonly #frameBytes: number;
  readonly #policy: CompressionPolicy | undefined;

  constructor(session: Session, policy: CompressionPolicy | undefined, signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#frameBytes = session.welcome.frame - DATA_OFFSET_BYTES;
    this.#policy = policy;
  }

  /**
   * Sends all pieces, or stops early when the receiver has already answered.
   *
   * @param onAcknowledged - gets the number of the file's bytes each time the receiver has taken some
   */
  async send(pieces: Pieces, put: PutStream, onAcknowledged: (bytes: number) => void): Promise<void> {
    for (;;) {
      const piece = await abortable(pieces.next(), this.#signal);
      if (!piece) return;
      this.sendPiece(piece, put, onAcknowledged);
      await abortable(put.room(), this.#signal);
      if (put.answered) return;
    }
  }

  /** Queues a whole piece and lets go of it. */
  sendPiece(piece: Piece, put: PutStream, onAcknowledged: (bytes: number) => void): void {
    const { bytes, isEncoded, fileBytes } = piece;
    let told = 0;
    for (let at = 0; at < bytes.length; at += this.#frameBytes) {
      const frame = bytes.subarray(at, at + this.#frameBytes);
      const sent = at + frame.length;
      piece.retain();
      const onFrame = () => {
        piece.release();
        // Of a compressed frame nobody knows what it holds: an even share.
        const done = isEncoded ? Math.floor((fileBytes * sent) / bytes.length) : sent;
        onAcknowledged(done - told);
        told = done;
        if (sent === bytes.length) this.#measure(piece, put);
      };
      if (isEncoded) put.sendEncoded(frame, onFrame);
      else put.sendData(frame, onFrame);
    }
    if (isEncoded) put.endPiece(fileBytes);
    piece.release();
  }

  #measure({ fileBytes, isEncoded }: Piece, put: PutStream): void {
    this.#policy?.onAcknowledged(fileBytes, isEncoded ? 'encoded' : 'plain', put, performance.now());
  }
}
