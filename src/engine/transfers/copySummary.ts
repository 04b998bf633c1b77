import type { LinkDescription } from '../../link/index.ts';
import type { CopyResult, FileResult } from '../../transfer/index.ts';
import { describeFailures } from '../messages/failureMessages.ts';
import { describeGrownFile, type FileMessageContext } from '../messages/fileMessages.ts';
import { keptMessages } from '../messages/keptMessages.ts';
import { hasFailed, tally } from './tally.ts';
import { type CopySummary, MAX_LISTED } from './transfer.ts';

export function summaryOf(
  result: CopyResult,
  link: LinkDescription,
  context: FileMessageContext,
): CopySummary {
  const { files, bytes, wireBytes, seconds, bytesPerSecond, resumedFrom, lanes } = result;
  const notes = keptMessages(result);
  const failed = files.filter(hasFailed);
  const grown = files.filter(({ changed }) => changed === 'grown');
  return {
    ...tally(files),
    bytes,
    wireBytes,
    seconds,
    resumedFrom,
    bytesPerSecond: Number.isFinite(bytesPerSecond) ? bytesPerSecond : 0,
    link,
    lanes,
    ...(notes.length > 0 && { notes }),
    failures: describeFailures(failed, context).slice(0, MAX_LISTED),
    grown: grown.slice(0, MAX_LISTED).map(describeGrownFile),
    hashes: files.flatMap(hashOf).slice(0, MAX_LISTED),
  };
}

function hashOf({ destination, sha256, verified }: FileResult): { destination: string; sha256: string }[] {
  return verified && sha256 !== null ? [{ destination, sha256 }] : [];
}
