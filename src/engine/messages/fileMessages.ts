import { printable } from '../../text/printable.ts';
import type { FileResult } from '../../transfer/index.ts';

export interface FileMessageContext {
  /** The receiver's user and root, as it gave them. */
  readonly user?: string | undefined;
  readonly root?: string | undefined;
}

interface Names {
  readonly source: string;
  readonly destination: string;
  readonly user: string;
  readonly root: string;
}

type Sentence = (names: Names) => string;

const cannotRead: Sentence = ({ source }) => `${source} can't be read: your user has no permission for it.`;
const tryAgain: Sentence = ({ source, destination }) =>
  `${source} did not arrive whole at ${destination}, and nothing was kept: copy it again.`;
const defect: Sentence = ({ source }) =>
  `The receiver in the guest could not handle the request for ${source}: install the receiver that came with this com-dd.`;

/** By error code: PROTOCOL.md's, those of the transfer itself, and Node's for the source. */
const SENTENCES: ReadonlyMap<string, Sentence> = new Map<string, Sentence>([
  ['ENOENT', ({ source }) => `${source} does not exist on this computer: check its name.`],
  ['EACCES', cannotRead],
  ['EPERM', cannotRead],
  ['EISDIR', ({ source }) => `${source} is a directory, which can't be read as a file.`],
  ['ENOTDIR', ({ source }) => `${source} does not exist: a part of its path is not a directory.`],
  ['ELOOP', ({ source }) => `${source} can't be read: its symbolic links lead in a circle.`],
  ['ENAMETOOLONG', ({ source }) => `The name ${source} is too long for this computer.`],
  ['EMFILE', ({ source }) => `${source} can't be opened: this computer has too many files open.`],
  ['EIO', ({ source }) => `${source} can't be read: its disk reports an error.`],
  ['source-special', ({ source }) => `${source} is no file or folder, so it can't be copied.`],

  [
    'outside-root',
    ({ destination, root }) =>
      `${destination} lies outside of the folder the receiver may write to${root && `, ${root}`}: choose a path inside it.`,
  ],
  [
    'read-only',
    ({ destination }) => `${destination} was not written: the receiver in the guest runs in read-only mode.`,
  ],
  [
    'read-only-filesystem',
    ({ destination }) =>
      `${destination} can't be written: that file system of the guest is mounted read-only.`,
  ],
  [
    'no-directory',
    ({ destination }) =>
      `${destination} can't be written: there is no such folder in the guest; make it there, or choose another.`,
  ],
  [
    'not-a-directory',
    ({ destination }) => `${destination} can't be written: a part of that path is not a folder in the guest.`,
  ],
  [
    'is-directory',
    ({ destination }) =>
      `${destination} is a folder in the guest, and a file can't replace it: choose another name.`,
  ],
  [
    'is-symlink',
    ({ destination }) =>
      `${destination} is a symbolic link in the guest, which is not replaced: choose another name, or remove it there.`,
  ],
  [
    'is-special',
    ({ destination }) =>
      `${destination} is a device or socket in the guest, which can't take a file: choose another name.`,
  ],
  [
    'exists',
    ({ destination }) =>
      `${destination} exists in the guest with other content: give --conflict overwrite, skip, newer or rename.`,
  ],
  ['not-found', ({ destination }) => `${destination} is gone from the guest.`],
  [
    'permission',
    ({ destination, user }) =>
      `${destination} can't be written: the receiver's user${user && ` ${user}`} has no permission for it in the guest.`,
  ],
  [
    'no-space',
    ({ destination }) => `${destination} was not written: the guest's disk is full; make room there.`,
  ],
  [
    'quota',
    ({ destination }) =>
      `${destination} was not written: the receiver's user is over its disk quota in the guest.`,
  ],
  [
    'too-large',
    ({ source, destination }) => `${source} is too large for the guest's file system at ${destination}.`,
  ],
  ['name-too-long', ({ destination }) => `The name ${destination} is too long for the guest.`],
  ['bad-name', ({ destination }) => `The guest's file system does not take the name ${destination}.`],
  [
    'sharing',
    ({ destination }) => `${destination} can't be written: another program in the guest has it open.`,
  ],
  [
    'size-mismatch',
    ({ source }) => `${source} changed while it was copied, and nothing was kept: copy it again.`,
  ],
  ['hash-mismatch', tryAgain],
  ['bad-data', tryAgain],
  [
    'basis-changed',
    ({ destination }) => `${destination} changed in the guest while it was being replaced: copy it again.`,
  ],
  ['cancelled', ({ source }) => `${source} was not copied: the copy was cancelled.`],
  ['aborted', ({ source }) => `${source} was not copied: the copy was cancelled.`],
  ['bad-request', defect],
  ['unsupported', defect],
  ['too-many', defect],
  ['internal', defect],
  ['lost', ({ source }) => `${source} was not copied: the receiver in the guest stopped answering.`],
  ['closed', ({ source }) => `${source} was not copied: the link to the guest was closed.`],
  ['reset', ({ source }) => `${source} was not copied: the receiver in the guest was stopped or restarted.`],
]);

/** One sentence about a file that was not copied, safe to print. */
export function describeFileError(file: FileResult, context: FileMessageContext = {}): string {
  const { code, message } = file.error ?? { code: 'unverified', message: '' };
  const names: Names = {
    source: quote(file.source),
    destination: quote(file.destination),
    user: context.user ? quote(context.user) : '',
    root: context.root ? quote(context.root) : '',
  };
  const sentence = SENTENCES.get(code);
  if (sentence) return sentence(names);
  if (code === 'unverified') return `${names.source} arrived, but the guest could not confirm its SHA-256.`;
  return `${names.source} was not copied to ${names.destination}: ${printable(message)} (${printable(code)}).`;
}

export function isFileErrorCode(code: string): boolean {
  return SENTENCES.has(code);
}

export function quote(text: string): string {
  return `"${printable(text)}"`;
}
