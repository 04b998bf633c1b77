/**
 * Bytes of a stream as packets (docs/kbase/internals/rpc.rst): type stream, status `continue`, with program, procedure
 * and serial of the call that opened it. Where the cuts are means nothing to the daemon; fewer and fuller
 * packets cost both sides less.
 */
import {
  HEADER_BYTES,
  PROGRAM_REMOTE,
  STATUS_CONTINUE,
  STREAM_PAYLOAD_MAX_BYTES,
  TYPE_STREAM,
} from './constants.ts';
import { encodeHeader } from './packet.ts';
import type { Ticket } from './pendingCalls.ts';

/** Below this, copying is cheaper than one more entry of the write vector. */
const COPY_MAX_BYTES = 4096;

/**
 * The given chunks as stream packets, each as full as it can be: small writes are merged, large ones cut.
 * Large chunks are passed on as they are, small ones next to each other are copied together. No bytes give
 * no packet, because an empty one would tell the daemon that we are at our end.
 */
export function packStream(ticket: Ticket, chunks: readonly Buffer[]): Buffer[] {
  const parts: Buffer[] = [];
  let packet: Buffer[] = [];
  let packetBytes = 0;
  const flush = () => {
    if (packetBytes > 0) appendPacket(parts, ticket, packet, packetBytes);
    packet = [];
    packetBytes = 0;
  };
  for (const chunk of chunks) {
    for (let offset = 0; offset < chunk.length; ) {
      const piece = chunk.subarray(offset, offset + STREAM_PAYLOAD_MAX_BYTES - packetBytes);
      packet.push(piece);
      packetBytes += piece.length;
      offset += piece.length;
      if (packetBytes === STREAM_PAYLOAD_MAX_BYTES) flush();
    }
  }
  flush();
  return parts;
}

function appendPacket(
  parts: Buffer[],
  ticket: Ticket,
  pieces: readonly Buffer[],
  payloadBytes: number,
): void {
  const header = { program: PROGRAM_REMOTE, ...ticket, type: TYPE_STREAM, status: STATUS_CONTINUE };
  let small: Buffer[] = [encodeHeader(header, payloadBytes)];
  let smallBytes = HEADER_BYTES;
  const flushSmall = () => {
    if (smallBytes > 0)
      parts.push(small.length === 1 && small[0] ? small[0] : Buffer.concat(small, smallBytes));
    small = [];
    smallBytes = 0;
  };
  for (const piece of pieces) {
    if (piece.length < COPY_MAX_BYTES) {
      small.push(piece);
      smallBytes += piece.length;
    } else {
      flushSmall();
      parts.push(piece);
    }
  }
  flushSmall();
}
