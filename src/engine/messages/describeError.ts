import { isLibvirtError } from 'libvirt';
import { isLinkError } from '../../link/index.ts';
import { isProtocolError, isRemoteError } from '../../protocol/index.ts';
import { isAborted } from '../../text/abort.ts';
import { SameNameError, TransferError } from '../../transfer/index.ts';
import { GuestError } from '../guest/guestError.ts';
import { describeFileError, type FileMessageContext, isFileErrorCode } from './fileMessages.ts';
import { describeGuestError } from './guestMessages.ts';
import { describeLibvirtError } from './libvirtMessages.ts';
import { describeLinkError } from './linkMessages.ts';
import { type Message, type MessageValue, message } from './message.ts';

export interface ErrorContext extends FileMessageContext {
  /** The connection, as sentences name it. */
  readonly uri?: MessageValue | undefined;
  readonly domain?: string | undefined;
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
}

/** What went wrong as a whole. An error's own `message` is for logs: it is in none of these. */
export function describeError(error: unknown, context: ErrorContext = {}): Message {
  const guest = guestOf(context);
  if (isAborted(error)) return message('copy.cancelled');
  if (error instanceof GuestError) return describeGuestError(error);
  if (isLinkError(error)) return describeLinkError(error, guest);
  if (isLibvirtError(error)) return describeLibvirtError(error, context.uri ?? '', guest);
  if (isProtocolError(error)) return message(`session.${error.code}`, guest);
  if (isRemoteError(error)) return describePathError(error.code, error.path, context);
  if (error instanceof TransferError) return describeTransferError(error, context);
  return message('copy.unexpected');
}

/** A short name of the error for scripts. */
export function codeOfError(error: unknown): string {
  if (isAborted(error)) return 'aborted';
  if (isLibvirtError(error) || isLinkError(error) || isProtocolError(error) || isRemoteError(error))
    return error.code;
  if (error instanceof TransferError || error instanceof GuestError) return error.code;
  return 'internal';
}

function guestOf({ domain }: ErrorContext): Message {
  return domain === undefined ? message('guest.unnamed') : message('guest.domain', domain);
}

/** Thrown, not reported with a file: it's about the sources' names, or the out path, which must be a folder and isn't. */
function describeTransferError(error: TransferError, context: ErrorContext): Message {
  const { code, path } = error;
  if (error instanceof SameNameError) return message('copy.same-name', ...error.sources, path ?? '');
  const outPath = path ?? context.destination ?? '';
  if (code === 'no-directory') return message('copy.no-folder', outPath);
  if (code === 'not-a-directory') return message('copy.not-a-folder', outPath);
  return describePathError(code, path, context);
}

function describePathError(code: string, path: string | undefined, context: ErrorContext): Message {
  if (!isFileErrorCode(code)) return message('copy.failed', code);
  const { source = '', destination = '' } = context;
  return describeFileError({ source, destination: path ?? destination, error: { code } }, context);
}
