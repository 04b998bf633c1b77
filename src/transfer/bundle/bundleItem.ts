/** What goes over in a bundle with others: a small file, or a directory's making or attributes. */
import type { Outcome } from '../outcome.ts';
import type { SourceEntry } from '../sourceTree.ts';

export interface BundleItem {
  readonly kind: 'file' | 'directory' | 'attributes';
  readonly entry: SourceEntry;
  /** Relative to the bundles' directory, parts joined by `/`. */
  readonly name: Buffer;
  /** In the guest. */
  readonly path: string;
  /** Nothing is expected to be there, or it is to be replaced: no need to ask. */
  readonly isNew: boolean;
  /** Done if what is there has this size and mtime. */
  readonly skipsUnchanged: boolean;
  /** It went over, or need not; a directory has no outcome. */
  done(outcome: Outcome | undefined): void;
  /** Sends it by a request of its own, which says what is the matter; resolves when that is answered, never rejects. */
  alone(): Promise<void>;
  /** The copy as a whole is over. */
  fail(error: unknown): void;
}
