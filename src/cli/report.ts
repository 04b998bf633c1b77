import { describeFailures } from '../engine/messages/failureMessages.ts';
import {
  describeFileError,
  describeGrownFile,
  type FileMessageContext,
} from '../engine/messages/fileMessages.ts';
import { keptMessages } from '../engine/messages/keptMessages.ts';
import { hasFailed, type Tally, tally } from '../engine/transfers/tally.ts';
import type { CopyResult, FileResult, FolderNotes } from '../transfer/index.ts';
import { worded } from './wording.ts';

/** The object of `--json`. Names stand as they are: JSON escapes what needs it. */
export interface JsonReport {
  readonly files: readonly FileResult[];
  /** Those with notes; without any there is no such key. */
  readonly folders?: readonly FolderNotes[];
  readonly bytes: number;
  readonly wireBytes: number;
  readonly seconds: number;
  readonly bytesPerSecond: number;
  /** As `--link` takes it; null where no link came about. */
  readonly link: string | null;
  readonly resumedFrom: number;
  /** Ports that were used side by side at the end. */
  readonly lanes: number;
}

export function jsonReport(
  result: CopyResult,
  link: string | null,
  context: FileMessageContext = {},
): JsonReport {
  const { bytes, wireBytes, resumedFrom, lanes } = result;
  const seconds = rounded(result.seconds, 6);
  const bytesPerSecond = rounded(result.bytesPerSecond, 0);
  const files = result.files.map(file => withSentence(file, context));
  const folders = result.folders && { folders: result.folders };
  return { files, ...folders, bytes, wireBytes, seconds, bytesPerSecond, link, resumedFrom, lanes };
}

/** The copy as a whole failed; `partial` is what had been done by then. */
export function jsonFailure(
  error: { code: string; message: string },
  partial: CopyResult,
  link: string | null,
  context: FileMessageContext = {},
): JsonReport & { error: { code: string; message: string } } {
  return { ...jsonReport(partial, link, context), error };
}

export function emptyResult(files: FileResult[] = []): CopyResult {
  return { files, bytes: 0, wireBytes: 0, seconds: 0, bytesPerSecond: 0, resumedFrom: 0, lanes: 0 };
}

function withSentence(file: FileResult, context: FileMessageContext): FileResult {
  const { source, destination, bytes, sha256, verified, skipped, unchanged, changed, notes, error } = file;
  const plain = {
    ...{ source, destination, bytes, sha256, verified, skipped },
    ...(unchanged && { unchanged }),
    ...(changed && { changed }),
    ...(notes && { notes }),
  };
  return error
    ? { ...plain, error: { code: error.code, message: worded(describeFileError(file, context)) } }
    : plain;
}

/**
 * `1048576 bytes copied, 5.271 s, 198934 bytes/s`, then the state of the hashes, the links, which have none, and what
 * could not be kept in the guest.
 */
export function summary(result: CopyResult): string {
  const { files, bytes, seconds, bytesPerSecond, resumedFrom } = result;
  const rate = `${rounded(bytesPerSecond, 0)} bytes/s`;
  const resumed = resumedFrom > 0 ? `, resumed at ${resumedFrom} bytes` : '';
  const lines = [`${bytes} bytes copied, ${seconds.toFixed(3)} s, ${rate}${resumed}`];
  const links = files.filter(({ symlink }) => symlink);
  if (links.length < files.length || files.length === 0)
    lines.push(hashState(files.filter(({ symlink }) => !symlink)));
  if (links.length > 0) lines.push(linkState(links));
  lines.push(...keptMessages(result).map(worded));
  return lines.map(line => `${line}\n`).join('');
}

function linkState(links: readonly FileResult[]): string {
  const counts = tally(links);
  return `Symbolic links: ${[`${counts.verified} of ${links.length}`, ...notSent(counts)].join(', ')}`;
}

function hashState(files: readonly FileResult[]): string {
  const [only] = files;
  if (only && files.length === 1 && only.verified && only.sha256) {
    return `SHA-256 verified: ${only.sha256}${only.skipped ? ' (already in the guest)' : ''}`;
  }
  const counts = tally(files);
  const verified = `${counts.verified} of ${count(files.length)}`;
  return `SHA-256 verified: ${[verified, ...notSent(counts)].join(', ')}`;
}

function notSent({ identical, unchanged, skipped }: Tally): string[] {
  return [
    ...(identical > 0 ? [`${identical} already in the guest`] : []),
    ...(unchanged > 0 ? [`${unchanged} unchanged by size and time`] : []),
    ...(skipped > 0 ? [`${skipped} skipped, another file has the name`] : []),
  ];
}

export function isComplete(result: CopyResult): boolean {
  return tally(result.files).failed === 0;
}

/** Why files were not copied, each reason once where it is that of many, and at the end how many there were. */
export function failures(result: CopyResult, context: FileMessageContext): string[] {
  const failed = result.files.filter(hasFailed);
  const sentences = describeFailures(failed, context).map(worded);
  if (result.files.length > 1 && failed.length > 0) {
    sentences.push(
      `${failed.length} of ${count(result.files.length)} ${failed.length === 1 ? 'was' : 'were'} not copied.`,
    );
  }
  return sentences;
}

/** One sentence a file of which there is more by now. */
export function grownNotes({ files }: CopyResult): string[] {
  return files
    .filter(({ changed }) => changed === 'grown')
    .map(file => `note: ${worded(describeGrownFile(file))}`);
}

function count(files: number): string {
  return `${files} ${files === 1 ? 'file' : 'files'}`;
}

/** Also for a copy that took no time at all. */
function rounded(value: number, digits: number): number {
  return Number.isFinite(value) ? Number(value.toFixed(digits)) : 0;
}
