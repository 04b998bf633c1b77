import type { LinkDescription } from '../../link/index.ts';
import type { CopyResult, FileResult } from '../../transfer/index.ts';
import { describeFileError, type FileMessageContext } from '../messages/fileMessages.ts';
import { MAX_LISTED, type Outcome } from './transfer.ts';

export function outcomeOf(result: CopyResult, link: LinkDescription, context: FileMessageContext): Outcome {
  const { files, bytes, wireBytes, seconds, bytesPerSecond, resumedFrom, lanes } = result;
  const failed = files.filter(hasFailed);
  return {
    files: files.length,
    verified: files.filter(file => file.verified && !file.error).length,
    identical: files.filter(file => file.verified && file.skipped && !file.error).length,
    skipped: files.filter(file => file.skipped && !file.verified && !file.error).length,
    unchanged: files.filter(file => file.unchanged && !file.error).length,
    failed: failed.length,
    bytes,
    wireBytes,
    seconds,
    resumedFrom,
    bytesPerSecond: Number.isFinite(bytesPerSecond) ? bytesPerSecond : 0,
    link,
    lanes,
    failures: failed.slice(0, MAX_LISTED).map(file => describeFileError(file, context)),
    hashes: files.flatMap(hashOf).slice(0, MAX_LISTED),
  };
}

function hasFailed(file: FileResult): boolean {
  return file.error !== undefined || !(file.verified || file.skipped);
}

function hashOf({ destination, sha256, verified }: FileResult): { destination: string; sha256: string }[] {
  return verified && sha256 !== null ? [{ destination, sha256 }] : [];
}
