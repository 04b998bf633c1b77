import type { FileResult } from '../../transfer/index.ts';
import type { OpenGuest } from '../guest/openGuest.ts';
import type { MessageId } from './english.ts';
import { type Message, message } from './message.ts';

export interface FileMessageContext {
  /** The receiver's user and root, as it gave them. */
  readonly user?: string | undefined;
  readonly root?: string | undefined;
}

/** A file that was not copied, or not verified. */
export type FailedFile = Pick<FileResult, 'source' | 'destination'> & {
  readonly error?: { readonly code: string; readonly says?: string | undefined } | undefined;
};

type Wording = (file: FailedFile, context: FileMessageContext) => Message;

const ofSource =
  (id: MessageId): Wording =>
  ({ source }) =>
    message(id, source);
const ofDestination =
  (id: MessageId): Wording =>
  ({ destination }) =>
    message(id, destination);
const ofBoth =
  (id: MessageId): Wording =>
  ({ source, destination }) =>
    message(id, source, destination);

/** By error code: PROTOCOL.md's, those of the transfer itself, and Node's for the source. */
const WORDINGS: ReadonlyMap<string, Wording> = new Map<string, Wording>([
  ...(['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EMFILE', 'EIO'] as const).map(
    code => [code, ofSource(`file.${code}`)] as const,
  ),
  ['EPERM', ofSource('file.EACCES')],
  ['source-special', ofSource('file.source-special')],
  ['source-changed', ofSource('file.source-changed')],
  ['size-mismatch', ofSource('file.size-mismatch')],
  ...(['lost', 'closed', 'reset'] as const).map(code => [code, ofSource(`file.${code}`)] as const),
  ['aborted', ofSource('file.cancelled')],
  ['cancelled', ofSource('file.cancelled')],
  ...['bad-request', 'unsupported', 'too-many', 'internal'].map(
    code => [code, ofSource('file.defect')] as const,
  ),
  ['unverified', ofSource('file.unverified')],

  ...(
    [
      ...['read-only', 'read-only-filesystem', 'no-directory', 'not-a-directory', 'is-directory'],
      ...[
        'is-symlink',
        'is-special',
        'exists',
        'not-found',
        'no-space',
        'no-inodes',
        'quota',
        'name-too-long',
      ],
      ...['bad-name', 'sharing', 'basis-changed'],
    ] as const
  ).map(code => [code, ofDestination(`file.${code}` as MessageId)] as const),
  ['too-large', ofBoth('file.too-large')],
  ['hash-mismatch', ofBoth('file.damaged')],
  ['just-made', ofBoth('file.just-made')],
  ['bad-data', ofBoth('file.damaged')],
  [
    'outside-root',
    ({ destination }, { root }) =>
      root
        ? message('file.outside-named-root', destination, root)
        : message('file.outside-root', destination),
  ],
  [
    'permission',
    ({ destination }, { user }) =>
      user ? message('file.permission-of', destination, user) : message('file.permission', destination),
  ],
]);

/** One sentence about a file that was not copied. */
export function describeFileError(file: FailedFile, context: FileMessageContext = {}): Message {
  const { source, destination } = file;
  const { code, says } = file.error ?? { code: 'unverified' };
  const wording = WORDINGS.get(code);
  if (wording) return wording(file, context);
  return says === undefined
    ? message('file.failed', source, destination, code)
    : message('file.refused', source, destination, says, code);
}

/** One sentence about a file of which the guest has only the first part, because it has grown since. */
export function describeGrownFile({ source, bytes, skipped }: FileResult): Message {
  return skipped ? message('file.grown-identical', source) : message('file.grown', source, String(bytes));
}

export function isFileErrorCode(code: string): boolean {
  return WORDINGS.has(code);
}

/** What is known of the guest that a file went to. */
export function contextOf(guest: OpenGuest | undefined): FileMessageContext {
  return guest ? { user: guest.session.welcome.user, root: guest.session.welcome.root } : {};
}
