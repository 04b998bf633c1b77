/** Sends a source as what changed since the basis: literals as DATA, compressed where it pays, the rest as COPY. */
import type { BasisRange, PutStream } from '../../protocol/index.ts';
import { abortable } from '../../text/abort.ts';
import type { FileSender } from '../fileSender.ts';
import { type PieceEncoder, pieceOf } from '../pieces.ts';
import type { SourceReader } from '../sourceReader.ts';
import { DeltaSearch } from './deltaSearch.ts';
import type { SignatureTable } from './signatureTable.ts';

/** A COPY makes the guest read and hash this much at most, so that the progress moves and a cancellation is heard. */
const MAX_COPY_BYTES = 8 << 20;
/** Ranges in one COPY frame; the smallest frame limit of a receiver takes three times as many. */
const MAX_RANGES = 256;

export interface DeltaSource {
  reader: SourceReader;
  table: SignatureTable;
  encoder: PieceEncoder | undefined;
  /** Most bytes in one literal. */
  literalBytes: number;
}

export class DeltaSender {
  readonly #sender: FileSender;
  readonly #put: PutStream;
  readonly #signal: AbortSignal | undefined;
  readonly #onAcknowledged: (bytes: number) => void;
  #ranges: BasisRange[] = [];
  #rangeBytes = 0;

  constructor(
    sender: FileSender,
    put: PutStream,
    onAcknowledged: (bytes: number) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#sender = sender;
    this.#put = put;
    this.#onAcknowledged = onAcknowledged;
    this.#signal = signal;
  }

  /** As FileSender's `send`. */
  async send({ reader, table, encoder, literalBytes }: DeltaSource): Promise<void> {
    for await (const step of new DeltaSearch(reader, table, literalBytes).steps()) {
      if (step.kind === 'copy') this.#copy(step);
      else {
        this.#flush();
        const piece = await pieceOf(step.bytes, encoder);
        this.#sender.sendPiece(piece, this.#put, this.#onAcknowledged);
      }
      await abortable(this.#put.room(), this.#signal);
      if (this.#put.answered) return;
    }
    this.#flush();
  }

  #copy({ from, length }: BasisRange): void {
    const last = this.#ranges.at(-1);
    if (last && last.from + last.length === from) last.length += length;
    else this.#ranges.push({ from, length });
    this.#rangeBytes += length;
    if (this.#rangeBytes >= MAX_COPY_BYTES || this.#ranges.length === MAX_RANGES) this.#flush();
  }

  #flush(): void {
    if (this.#ranges.length === 0) return;
    const bytes = this.#rangeBytes;
    this.#put.sendCopy(this.#ranges, () => this.#onAcknowledged(bytes));
    this.#ranges = [];
    this.#rangeBytes = 0;
  }
}
