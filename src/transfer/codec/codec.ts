/** What a codec is: compression of a put's bytes, PROTOCOL.md §6. */

export interface Encoder {
  /**
   * The next piece of the stream: it can be decoded whole once its last byte is there.
   *
   * @param level - one of the codec's
   * @returns undefined where the bytes should rather go as they are; else the piece must be sent
   */
  encode(bytes: Buffer, level: number): Promise<Buffer | undefined>;
  /** Nothing more will be encoded; frees what the stream holds. */
  close(): void;
}

export interface Level {
  readonly level: number;
  /** What it does on one processor with text; believed until it is measured. */
  readonly bytesPerSecond: number;
}

export interface Codec {
  /** As in `encoding` and `capabilities`. */
  readonly name: string;
  /** Levels for a fast and for a slow line, each from quick to small. */
  readonly levels: { readonly fast: readonly Level[]; readonly slow: readonly Level[] };
  /** A piece that turns out not to get smaller costs nothing but the time of trying. */
  readonly takesBack: boolean;
  /** @param size - of the file, where it is known: memory is held for no more */
  newEncoder(size?: number): Encoder;
}
