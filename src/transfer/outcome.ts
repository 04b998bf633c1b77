/** What became of one file or link, before it is a FileResult. */
import type { Reply } from '../protocol/index.ts';

export interface Outcome {
  destination: string;
  bytes: number;
  sha256: string | null;
  verified: boolean;
  skipped: boolean;
  unchanged?: true;
}

/** The receiver has skipped it: by name, or because size and mtime are the same. */
export function skippedOutcome(reply: Reply, path: string): Outcome {
  const outcome = {
    destination: reply.get('path') ?? path,
    bytes: 0,
    sha256: null,
    verified: false,
    skipped: true,
  };
  return reply.get('skipped') === 'unchanged' ? { ...outcome, unchanged: true } : outcome;
}
