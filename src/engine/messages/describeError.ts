import { isLibvirtError, type LibvirtError, type LibvirtErrorCode } from 'libvirt';
import { isLinkError } from '../../link/index.ts';
import { isProtocolError, isRemoteError, type ProtocolErrorCode } from '../../protocol/index.ts';
import { isAborted } from '../../text/abort.ts';
import { printable } from '../../text/printable.ts';
import { TransferError } from '../../transfer/index.ts';
import { CliError } from '../guest/guestError.ts';
import { describeFileError, type FileMessageContext, isFileErrorCode, quote } from './fileMessages.ts';

export interface ErrorContext extends FileMessageContext {
  readonly uri?: string | undefined;
  readonly domain?: string | undefined;
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
}

/** What went wrong as a whole: one sentence, safe to print, without a stack or a bare number. */
export function describeError(error: unknown, context: ErrorContext = {}): string {
  if (isAborted(error)) return 'The copy was cancelled.';
  if (error instanceof CliError || isLinkError(error)) return printable(error.message);
  if (isLibvirtError(error)) return describeLibvirtError(error, context);
  if (isProtocolError(error)) return PROTOCOL_SENTENCES[error.code](guestOf(context));
  if (isRemoteError(error)) return describePathError(error.code, error.message, error.path, context);
  if (error instanceof TransferError) return describeTransferError(error, context);
  return `Something unexpected happened: ${printable(error instanceof Error ? error.message : String(error))}.`;
}

/** A short name of the error for `--json`. */
export function codeOfError(error: unknown): string {
  if (isAborted(error)) return 'aborted';
  if (isLibvirtError(error) || isLinkError(error) || isProtocolError(error) || isRemoteError(error))
    return error.code;
  if (error instanceof TransferError || error instanceof CliError) return error.code;
  return 'internal';
}

const PROTOCOL_SENTENCES: Readonly<Record<ProtocolErrorCode, (guest: string) => string>> = {
  'no-receiver': guest =>
    `No receiver answered in ${guest}: start one there with "python3 receiver.py" and try again.`,
  version: guest =>
    `The receiver in ${guest} speaks another version of the protocol: install the receiver that came with this com-dd.`,
  lost: guest => `The receiver in ${guest} stopped answering: see that it runs, and copy again.`,
  closed: guest => `The link to ${guest} was closed: see that it runs, and copy again.`,
  reset: guest => `The receiver in ${guest} was stopped or restarted: see that it runs, and copy again.`,
};

function guestOf({ domain }: ErrorContext): string {
  return domain === undefined ? 'the guest' : `domain ${quote(domain)}`;
}

/** Thrown, not reported with a file: it is about the out path, which has to be a folder and is none. */
function describeTransferError({ code, message, path }: TransferError, context: ErrorContext): string {
  const outPath = quote(path ?? context.destination ?? 'the out path');
  if (code === 'no-directory')
    return `There is no folder ${outPath} in the guest: make it there, or choose another.`;
  if (code === 'not-a-directory') {
    return `${outPath} is not a folder in the guest, which several files, or a path ending in a separator, need.`;
  }
  return describePathError(code, message, path, context);
}

function describePathError(
  code: string,
  message: string,
  path: string | undefined,
  context: ErrorContext,
): string {
  if (!isFileErrorCode(code)) return `The copy failed: ${printable(message)} (${printable(code)}).`;
  const source = context.source ?? 'the file';
  const destination = path ?? context.destination ?? 'the destination';
  const file = { source, destination, bytes: 0, sha256: null, verified: false, skipped: false };
  return describeFileError({ ...file, error: { code, message } }, context);
}

const JOIN_GROUP = 'run "sudo usermod -aG libvirt $USER" and log in again';

type LibvirtSentence = (names: {
  readonly at: string;
  readonly guest: string;
  readonly says: string;
}) => string;

const OWN_WORDS: LibvirtSentence = ({ says }) => (/[.?!]$/.test(says) ? says : `${says}.`);

/** libvirt's own texts stand where they say more than the code does. */
const LIBVIRT_SENTENCES: Readonly<Record<LibvirtErrorCode, LibvirtSentence>> = {
  'access-denied': OWN_WORDS,
  'auth-failed': OWN_WORDS,
  'bad-device': OWN_WORDS,
  'bad-uri': OWN_WORDS,
  busy: OWN_WORDS,
  config: ({ guest, says }) => `libvirt refuses the definition of ${guest}: ${says}.`,
  'connection-lost': ({ at, says }) => `The connection to libvirt at ${at} was lost: ${says}.`,
  denied: ({ at, says }) => `libvirt at ${at} does not let your user do this (${says}): ${JOIN_GROUP}.`,
  internal: ({ at, says }) => `libvirt at ${at} failed: ${says}.`,
  'invalid-argument': ({ at, says }) => `libvirt at ${at} does not take this: ${says}.`,
  'no-domain': ({ at, guest }) => `There is no ${guest} at ${at}: "com-dd --list" shows those there are.`,
  'no-metadata': ({ at, says }) => `libvirt at ${at} failed: ${says}.`,
  'no-pool': OWN_WORDS,
  'no-socket': OWN_WORDS,
  'no-volume': OWN_WORDS,
  'operation-failed': ({ at, says }) => `libvirt at ${at} failed: ${says}.`,
  'operation-invalid': ({ guest, says }) => `${capitalised(guest)} can't be used as it is now: ${says}.`,
  protocol: ({ at, says }) => `What answers at ${at} does not behave like libvirt: ${says}.`,
  'read-only': ({ at }) => `Your user may only look at ${at}, not copy into its domains: ${JOIN_GROUP}.`,
  stalled: ({ guest }) =>
    `${capitalised(guest)} stopped reading: see that its receiver runs, and copy again.`,
  'stream-failed': ({ guest, says }) => `The link to ${guest} broke: ${says}.`,
  system: ({ at, says }) => `libvirt at ${at} failed: ${says}.`,
  timeout: ({ at, says }) => `libvirt at ${at} took too long: ${says}.`,
  unsupported: OWN_WORDS,
  'volume-exists': OWN_WORDS,
};

function describeLibvirtError(error: LibvirtError, context: ErrorContext): string {
  const at = printable(context.uri ?? 'the given URI');
  const says = printable(error.message).replace(/\.$/, '');
  return LIBVIRT_SENTENCES[error.code]({ at, guest: guestOf(context), says });
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
