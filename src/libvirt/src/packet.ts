/**
 * Framing (docs/kbase/internals/rpc.rst, src/rpc/virnetprotocol.x: virNetMessageHeader). Seven big-endian words, then
 * the payload:
 *
 * | offset | word | meaning |
 * |---|---|---|
 * | 0 | length | of everything, itself included |
 * | 4 | program | which set of procedures: remote or keepalive |
 * | 8 | version | of the program; 1 since it exists |
 * | 12 | procedure | signed; in replies and stream packets that of the call |
 * | 16 | type | call, reply, event, stream |
 * | 20 | serial | in replies and stream packets that of the call; in events it means nothing |
 * | 24 | status | ok, error, and of a stream: more follows |
 */
import {
  HEADER_BYTES,
  PACKET_MAX_BYTES,
  PROGRAM_KEEPALIVE,
  PROGRAM_REMOTE,
  PROTOCOL_VERSION,
  STATUS_CONTINUE,
  STATUS_ERROR,
  STATUS_OK,
  TYPE_EVENT,
  TYPE_REPLY,
  TYPE_STREAM,
} from './constants.ts';
import { LibvirtError } from './errors.ts';

export interface PacketHeader {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
}

export function encodeHeader(header: PacketHeader, payloadBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  bytes.writeUInt32BE(HEADER_BYTES + payloadBytes, 0);
  bytes.writeUInt32BE(header.program, 4);
  bytes.writeUInt32BE(PROTOCOL_VERSION, 8);
  bytes.writeInt32BE(header.procedure, 12);
  bytes.writeUInt32BE(header.type, 16);
  bytes.writeUInt32BE(header.serial, 20);
  bytes.writeUInt32BE(header.status, 24);
  return bytes;
}

export interface PacketSink {
  /** A whole packet. One of a stream comes here only if it has no payload (its end) or isn't data. */
  onPacket(header: PacketHeader, payload: Buffer): void;
  /** Some of a stream packet's payload, as it arrived: never gathered, never copied. */
  onStreamBytes(header: PacketHeader, bytes: Buffer): void;
}

const EMPTY = Buffer.alloc(0);
/** Most replies fit; a domain's XML needs two or three times that. */
const FIRST_BODY_BYTES = 4096;

/**
 * Cuts what a daemon sends into packets, wherever the chunks happen to end. Throws code `protocol`.
 *
 * | state | `#header` | takes | until |
 * |---|---|---|---|
 * | in a header | undefined | up to 28 bytes | they're all there and make sense |
 * | in a payload | the packet's | `#payloadLeft` bytes: a stream's go on at once, others are gathered | none is left |
 * | stopped | | nothing | |
 */
export class PacketParser {
  readonly #sink: PacketSink;
  readonly #headerBytes = Buffer.alloc(HEADER_BYTES);
  #headerFill = 0;
  #header: PacketHeader | undefined;
  #payloadLeft = 0;
  #body = EMPTY;
  #bodyFill = 0;
  #stopped = false;

  constructor(sink: PacketSink) {
    this.#sink = sink;
  }

  /** Nothing is delivered any more, the rest of the chunk being pushed included. */
  stop(): void {
    this.#stopped = true;
    this.#body = EMPTY;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#stopped) {
      rest = this.#header === undefined ? this.#readHeader(rest) : this.#readPayload(this.#header, rest);
    }
  }

  /** The length is checked as soon as it's there: what isn't libvirt at all shows in its first four bytes. */
  #readHeader(chunk: Buffer): Buffer {
    const taken = chunk.copy(this.#headerBytes, this.#headerFill, 0, HEADER_BYTES - this.#headerFill);
    this.#headerFill += taken;
    if (this.#headerFill >= 4) checkLength(this.#headerBytes.readUInt32BE(0));
    if (this.#headerFill === HEADER_BYTES) this.#beginPacket();
    return chunk.subarray(taken);
  }

  #beginPacket(): void {
    const header = decodeHeader(this.#headerBytes);
    this.#headerFill = 0;
    this.#payloadLeft = this.#headerBytes.readUInt32BE(0) - HEADER_BYTES;
    this.#bodyFill = 0;
    if (header.program === PROGRAM_KEEPALIVE && this.#payloadLeft > 0) {
      throw badPacket('a keepalive message with a payload');
    }
    if (this.#payloadLeft === 0) this.#sink.onPacket(header, EMPTY);
    else this.#header = header;
  }

  /** Without a copy where a chunk holds the whole payload, which is so for nearly every reply. */
  #readPayload(header: PacketHeader, chunk: Buffer): Buffer {
    const part = chunk.subarray(0, this.#payloadLeft);
    this.#payloadLeft -= part.length;
    if (this.#payloadLeft === 0) this.#header = undefined;
    if (header.type === TYPE_STREAM && header.status === STATUS_CONTINUE) {
      this.#sink.onStreamBytes(header, part);
    } else if (this.#bodyFill === 0 && this.#payloadLeft === 0) {
      this.#sink.onPacket(header, part);
    } else {
      this.#gather(header, part);
    }
    return chunk.subarray(part.length);
  }

  /** Grows with the bytes that came, not with the length announced: at most twice what was received. */
  #gather(header: PacketHeader, part: Buffer): void {
    const needed = this.#bodyFill + part.length;
    if (needed > this.#body.length) {
      const grown = Buffer.allocUnsafe(Math.max(FIRST_BODY_BYTES, needed, 2 * this.#bodyFill));
      this.#body.copy(grown, 0, 0, this.#bodyFill);
      this.#body = grown;
    }
    part.copy(this.#body, this.#bodyFill);
    this.#bodyFill = needed;
    if (this.#payloadLeft > 0) return;
    const body = this.#body.subarray(0, needed);
    this.#body = EMPTY;
    this.#sink.onPacket(header, body);
  }
}

function checkLength(length: number): void {
  if (length < HEADER_BYTES) throw badPacket(`a packet of ${length} bytes, shorter than its own header`);
  if (length > PACKET_MAX_BYTES) throw badPacket(`a packet of ${length} bytes, over libvirt's own limit`);
}

function decodeHeader(bytes: Buffer): PacketHeader {
  const header: PacketHeader = {
    program: bytes.readUInt32BE(4),
    procedure: bytes.readInt32BE(12),
    type: bytes.readUInt32BE(16),
    serial: bytes.readUInt32BE(20),
    status: bytes.readUInt32BE(24),
  };
  if (header.program !== PROGRAM_REMOTE && header.program !== PROGRAM_KEEPALIVE) {
    throw badPacket(`a packet of the unknown program 0x${header.program.toString(16)}`);
  }
  const version = bytes.readUInt32BE(8);
  if (version !== PROTOCOL_VERSION) throw badPacket(`a packet of protocol version ${version}`);
  if (!isExpected(header)) {
    throw badPacket(`a packet of type ${header.type} with status ${header.status}`);
  }
  return header;
}

/**
 * What a server may send to a client that asks for neither file descriptors nor sparse streams. Of a stream, `continue`
 * with a payload is data, `continue` without one the end of the daemon's side, `ok` its answer to our finish or abort.
 */
function isExpected({ type, status }: PacketHeader): boolean {
  switch (type) {
    case TYPE_REPLY:
      return status === STATUS_OK || status === STATUS_ERROR;
    case TYPE_EVENT:
      return status === STATUS_OK;
    case TYPE_STREAM:
      return status === STATUS_OK || status === STATUS_ERROR || status === STATUS_CONTINUE;
    default:
      return false;
  }
}

function badPacket(what: string): LibvirtError {
  return new LibvirtError('protocol', `What answers is not a libvirt daemon: it sent ${what}.`);
}
