import type { FileResult } from '../../transfer/index.ts';
import { describeFileError, type FileMessageContext } from './fileMessages.ts';
import { type Message, message } from './message.ts';

/** So many of a kind each have their sentence; a full disk would say the same a thousand times. */
const MAX_ALONE = 3;

/** One sentence a file, or one for all files that failed for the same reason, which names the first of them. */
export function describeFailures(failed: readonly FileResult[], context: FileMessageContext): Message[] {
  return [...Map.groupBy(failed, kindOf).values()].flatMap(kind => {
    if (kind.length <= MAX_ALONE) return kind.map(file => describeFileError(file, context));
    const [first] = kind as [FileResult];
    return message('file.same-for-more', describeFileError(first, context), kind.length - 1);
  });
}

/** What the receiver says may name the file, so it counts only where there are no words of ours. */
function kindOf({ error }: FileResult): string {
  return error?.code === 'io' ? `io ${error.says}` : (error?.code ?? '');
}
