export {
  BUNDLE_HEADER_BYTES,
  COPY_RANGE_BYTES,
  DATA_OFFSET_BYTES,
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_RECORDS,
  MAX_SIGNATURE_BLOCKS,
  NO_BUNDLE_MODE,
  NO_BUNDLE_MTIME,
  SIGNATURE_ENTRY_BYTES,
} from './constants.ts';
export {
  isProtocolError,
  isRemoteError,
  ProtocolError,
  type ProtocolErrorCode,
  RemoteError,
} from './errors.ts';
export type { LaneOpener, LaneOptions } from './lanes.ts';
export type { BasisRange, PutStream } from './putStream.ts';
export type { Reply } from './reply.ts';
export { openSession, type Session, type SessionOptions } from './session.ts';
export type { SignatureStream } from './signatureStream.ts';
export type { Welcome } from './welcome.ts';
