/** Frames on the wire, PROTOCOL.md §1: building them, and finding them again in a stream that may hold noise. */
import { crc32 } from 'node:zlib';
import { HEADER_BYTES, HEADER_CHECK_OFFSET, MAGIC, PAYLOAD_CHECK_BYTES } from './constants.ts';

export interface FrameHeader {
  /** One of FrameType. */
  type: number;
  /** Bits whose meaning depends on the type; unknown ones are ignored. */
  flags: number;
  /** The request the frame belongs to; 0 where there is none. */
  stream: number;
  /** What WELCOME said; in HELLO and its answers the host's nonce. */
  session: number;
  /** Counts the reliable frames of one direction; 0 in the others. */
  sequence: number;
}

export interface Frame extends FrameHeader {
  /** A view into the parser's buffer: valid only until the callback returns. */
  payload: Buffer;
}

/** Bytes the frame takes on the wire. */
export function frameBytes(payloadBytes: number): number {
  return HEADER_BYTES + payloadBytes + (payloadBytes > 0 ? PAYLOAD_CHECK_BYTES : 0);
}

/**
 * The 24 bytes of §1's table. The check covers all that stands before it, so a length can be believed before any of the
 * payload is there.
 */
export function encodeHeader(header: FrameHeader, payloadBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes[4] = header.type;
  bytes[5] = header.flags;
  bytes.writeUInt16BE(header.stream, 6);
  bytes.writeUInt32BE(header.session, 8);
  bytes.writeUInt32BE(header.sequence, 12);
  bytes.writeUInt32BE(payloadBytes, 16);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, HEADER_CHECK_OFFSET)), HEADER_CHECK_OFFSET);
  return bytes;
}

/**
 * The payload's pieces with their check behind them; nothing for an empty payload. The pieces aren't joined: a file's
 * block goes from the disk to the link without being copied.
 */
export function encodePayload(pieces: readonly Buffer[]): Buffer[] {
  let check = 0;
  let length = 0;
  for (const piece of pieces) {
    check = crc32(piece, check);
    length += piece.length;
  }
  if (length === 0) return [];
  const trailer = Buffer.allocUnsafe(PAYLOAD_CHECK_BYTES);
  trailer.writeUInt32BE(check);
  return [...pieces, trailer];
}

/** One whole frame as a single buffer; for small frames and tests. */
export function encodeFrame(header: FrameHeader, payload: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([encodeHeader(header, payload.length), ...encodePayload([payload])]);
}

/** Room for most answers; only a signature's DATA and long lists need more. */
const FIRST_CAPACITY = 4_096;

/**
 * Finds the frames in a byte stream by the four rules of §1. What is kept begins with a magic, or with what may become
 * one, and is at most one incomplete frame.
 *
 * | what is kept | the rule | what happens |
 * |---|---|---|
 * | no magic | 1 | all is dropped but up to 3 bytes that may begin one |
 * | a magic, less than 24 bytes | | waits |
 * | a header whose check or length is wrong | 2 | one byte is dropped, and the search goes on behind it |
 * | a good header, not the whole payload | | waits |
 * | a payload whose check is wrong | 3 | the header is dropped: the next frame may stand in that payload |
 * | a whole frame | | is handed out |
 * | anything, and silence for RESYNC_MS | 4 | one byte is dropped, by `idle` |
 */
export class FrameParser {
  /** Bytes given up as noise so far. */
  droppedBytes = 0;
  readonly #maxPayload: number;
  #buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
  #start = 0;
  #end = 0;

  constructor(maxPayload: number) {
    this.#maxPayload = maxPayload;
  }

  /** Whether bytes wait for the rest of their frame: the caller then calls `idle` after RESYNC_MS of silence. */
  get incomplete(): boolean {
    return this.#end > this.#start;
  }

  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    let taken = 0;
    while (taken < chunk.length) {
      this.#makeRoom();
      const copied = chunk.copy(this.#buffer, this.#end, taken);
      this.#end += copied;
      taken += copied;
      this.#scan(onFrame);
    }
  }

  /** Rule 4: what looked like the beginning of a frame was none. */
  idle(onFrame: (frame: Frame) => void): void {
    if (!this.incomplete) return;
    this.#drop(1);
    this.#scan(onFrame);
  }

  #scan(onFrame: (frame: Frame) => void): void {
    while (this.#findMagic()) {
      if (this.#end - this.#start < HEADER_BYTES) return;
      const length = this.#checkedLength();
      if (length === undefined) {
        this.#drop(1);
        continue;
      }
      const total = frameBytes(length);
      if (this.#end - this.#start < total) return;
      const payload = this.#checkedPayload(length);
      if (!payload) {
        this.#drop(HEADER_BYTES);
        continue;
      }
      const frame = { ...this.#header(), payload };
      this.#start += total;
      onFrame(frame);
    }
  }

  /** Moves to the next magic; without one, keeps only what may be the beginning of one. */
  #findMagic(): boolean {
    const rest = this.#buffer.subarray(this.#start, this.#end);
    const at = rest.indexOf(MAGIC);
    if (at >= 0) {
      this.#drop(at);
      return true;
    }
    let keep = Math.min(MAGIC.length - 1, rest.length);
    while (keep > 0 && !rest.subarray(rest.length - keep).equals(MAGIC.subarray(0, keep))) keep -= 1;
    this.#drop(rest.length - keep);
    return false;
  }

  /** Rule 2. Bounded before anything waits for so many bytes: noise can look like any length. */
  #checkedLength(): number | undefined {
    const at = this.#start;
    const check = crc32(this.#buffer.subarray(at, at + HEADER_CHECK_OFFSET));
    if (this.#buffer.readUInt32BE(at + HEADER_CHECK_OFFSET) !== check) return undefined;
    const length = this.#buffer.readUInt32BE(at + 16);
    return length <= this.#maxPayload ? length : undefined;
  }

  /** Rule 3. */
  #checkedPayload(length: number): Buffer | undefined {
    const from = this.#start + HEADER_BYTES;
    const payload = this.#buffer.subarray(from, from + length);
    if (length > 0 && this.#buffer.readUInt32BE(from + length) !== crc32(payload)) return undefined;
    return payload;
  }

  #header(): FrameHeader {
    const at = this.#start;
    return {
      type: this.#buffer.readUInt8(at + 4),
      flags: this.#buffer.readUInt8(at + 5),
      stream: this.#buffer.readUInt16BE(at + 6),
      session: this.#buffer.readUInt32BE(at + 8),
      sequence: this.#buffer.readUInt32BE(at + 12),
    };
  }

  #drop(count: number): void {
    this.#start += count;
    this.droppedBytes += count;
  }

  /** Room for at least one more byte: move what is left to the front, and grow only towards one whole frame. */
  #makeRoom(): void {
    const used = this.#end - this.#start;
    if (used === 0) {
      this.#start = 0;
      this.#end = 0;
    }
    if (this.#end < this.#buffer.length) return;
    const full = used > this.#buffer.length / 2;
    const target = full
      ? Buffer.allocUnsafe(Math.min(this.#buffer.length * 4, 2 * frameBytes(this.#maxPayload)))
      : this.#buffer;
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#buffer = target;
    this.#start = 0;
    this.#end = used;
  }
}
