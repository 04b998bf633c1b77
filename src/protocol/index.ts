export { DATA_OFFSET_BYTES } from './constants.ts';
export {
  isProtocolError,
  isRemoteError,
  ProtocolError,
  type ProtocolErrorCode,
  RemoteError,
} from './errors.ts';
export type { PutStream } from './putStream.ts';
export type { Reply } from './reply.ts';
export { type OpenOptions, openSession, type Session } from './session.ts';
export type { Welcome } from './welcome.ts';
