/**
 * XDR (RFC 4506) as libvirt uses it: everything big-endian in units of 4 bytes. The reader checks each
 * length against the bytes that are really there before it allocates, so a hostile length costs nothing.
 */
import { STRING_MAX_BYTES } from './constants.ts';
import { LibvirtError, protocolError } from './errors.ts';

const PADDING = Buffer.alloc(3);

export class XdrWriter {
  readonly #parts: Buffer[] = [];

  /** RFC 4506 §4.1; enums (§4.3) and booleans (§4.4) have the same four bytes. */
  i32(value: number): this {
    const part = Buffer.allocUnsafe(4);
    part.writeInt32BE(value);
    return this.#add(part);
  }

  /** §4.2 */
  u32(value: number): this {
    const part = Buffer.allocUnsafe(4);
    part.writeUInt32BE(value);
    return this.#add(part);
  }

  /** §4.5, an unsigned hyper. */
  u64(value: bigint): this {
    const part = Buffer.allocUnsafe(8);
    part.writeBigUInt64BE(value);
    return this.#add(part);
  }

  /** §4.9: opaque data of a length both sides know, filled up to a multiple of four bytes. */
  fixed(bytes: Buffer): this {
    this.#add(bytes);
    const padding = -bytes.length & 3;
    return padding === 0 ? this : this.#add(PADDING.subarray(0, padding));
  }

  /** §4.11 */
  string(text: string): this {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length > STRING_MAX_BYTES) {
      throw new LibvirtError('invalid-argument', 'A text for libvirt is longer than the 4 MiB it takes.');
    }
    // The daemon reads a C string: it would silently act on the part before the NUL.
    if (bytes.includes(0)) {
      throw new LibvirtError('invalid-argument', 'A text for libvirt holds a NUL character.');
    }
    return this.u32(bytes.length).fixed(bytes);
  }

  /** §4.19: a pointer, which is a flag and then, if it's 1, the value. libvirt's `remote_string`. */
  optionalString(text: string | undefined): this {
    return text === undefined ? this.u32(0) : this.u32(1).string(text);
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #add(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }
}

/** Reads one payload from its beginning, each value in the order of the struct in remote_protocol.x. */
export class XdrReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  i32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  /** A view: valid as long as the payload is. What the padding holds is ignored, as libvirt's own decoder does. */
  fixed(length: number): Buffer {
    const start = this.#take(length);
    this.#take(-length & 3);
    return this.#bytes.subarray(start, start + length);
  }

  string(maxBytes: number = STRING_MAX_BYTES): string {
    const length = this.u32();
    if (length > maxBytes) throw malformed(`a string of ${length} bytes, over the limit of ${maxBytes}`);
    return this.fixed(length).toString('utf8');
  }

  optional<T>(read: (reader: this) => T): T | undefined {
    const flag = this.u32();
    if (flag > 1) throw malformed(`a presence flag of ${flag}`);
    return flag === 1 ? read(this) : undefined;
  }

  optionalString(): string | undefined {
    return this.optional(reader => reader.string());
  }

  /** `minItemBytes` is what the smallest item takes: a count that can't fit is refused before any is read. */
  array<T>(maxItems: number, minItemBytes: number, read: (reader: this) => T): T[] {
    const count = this.u32();
    if (count > maxItems) throw malformed(`a list of ${count} items, over the limit of ${maxItems}`);
    if (count * minItemBytes > this.#bytes.length - this.#offset) {
      throw malformed(`a list of ${count} items in ${this.#bytes.length - this.#offset} bytes`);
    }
    return Array.from({ length: count }, () => read(this));
  }

  /** Bytes left over mean that the two sides have different structs in mind, so what was read can't be trusted. */
  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left !== 0) throw malformed(`${left} bytes too many`);
  }

  #take(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) {
      throw malformed(`${this.#bytes.length - start} bytes where ${length} belong`);
    }
    this.#offset = start + length;
    return start;
  }
}

function malformed(what: string): LibvirtError {
  return protocolError(`a malformed message (${what})`);
}
