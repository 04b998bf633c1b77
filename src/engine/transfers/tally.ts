import type { FileResult } from '../../transfer/index.ts';

/** How many of a copy's files came to what. */
export interface Tally {
  readonly files: number;
  /** Of the files: symbolic links. They have no SHA-256; one that is verified leads where the source does. */
  readonly links: number;
  readonly verified: number;
  /** Of the verified: were in the guest already. */
  readonly identical: number;
  /** Not sent, and not compared either: size and time are the same. */
  readonly unchanged: number;
  /** Not copied, because the policy or the user kept the other file that stands there. */
  readonly skipped: number;
  readonly failed: number;
}

export function tally(files: readonly FileResult[]): Tally {
  const good = files.filter(file => !hasFailed(file));
  const countOf = (matches: (file: FileResult) => boolean | undefined) => good.filter(matches).length;
  return {
    files: files.length,
    links: files.filter(({ symlink }) => symlink).length,
    verified: countOf(({ verified }) => verified),
    identical: countOf(({ verified, skipped }) => verified && skipped),
    unchanged: countOf(({ unchanged }) => unchanged),
    skipped: countOf(({ verified, skipped, unchanged }) => skipped && !verified && !unchanged),
    failed: files.length - good.length,
  };
}

/** Also a file that arrived, but that the guest could not confirm. */
export function hasFailed({ error, verified, skipped }: FileResult): boolean {
  return error !== undefined || !(verified || skipped);
}
