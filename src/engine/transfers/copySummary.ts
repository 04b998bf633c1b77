import type { CopyResult, FileResult } from '../../transfer/index.ts';
import { describeFileError, type FileMessageContext } from '../messages/fileMessages.ts';
import { harmless, withoutNotation } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import { translated } from '../support/sentences.ts';
import { hasFailed, tally } from './tally.ts';
import { type CopySummary, MAX_LISTED } from './transfer.ts';

export function summaryOf(result: CopyResult, link: string, context: FileMessageContext): CopySummary {
  const { files, bytes, wireBytes, seconds, bytesPerSecond, resumedFrom, lanes } = result;
  const failed = files.filter(hasFailed);
  return {
    ...tally(files),
    bytes,
    wireBytes,
    seconds,
    resumedFrom,
    bytesPerSecond: Number.isFinite(bytesPerSecond) ? bytesPerSecond : 0,
    link,
    lanes,
    failures: failed.slice(0, MAX_LISTED).map(file => fileSentence(file, context)),
    hashes: files.flatMap(hashOf).slice(0, MAX_LISTED),
  };
}

function hashOf({ destination, sha256, verified }: FileResult): { destination: string; sha256: string }[] {
  return verified && sha256 !== null ? [{ destination, sha256 }] : [];
}

/** com-dd's sentence, except where that speaks of com-dd's own options. */
function fileSentence(file: FileResult, context: FileMessageContext): string {
  if (file.error?.code === 'exists') {
    return l10n.t('"{0}" exists in the guest with other content.', harmless(file.destination));
  }
  const sentence = describeFileError(file, context).replace(
    'the receiver that came with this com-dd',
    'the receiver that came with Guestwire',
  );
  return withoutNotation(translated(sentence));
}
