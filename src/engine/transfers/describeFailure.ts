import type { ErrorContext } from '../messages/describeError.ts';
import { harmless, withoutNotation } from '../support/harmless.ts';
import { l10n } from '../support/l10n.ts';
import type { CopyFailure } from './runCopies.ts';

interface Wording {
  describeError(error: unknown, context?: ErrorContext): string;
}

/** One sentence for a notification: com-dd's own, except where that speaks of com-dd. */
export function describeFailure(wording: Wording, { code, error, context }: CopyFailure): string {
  const domain = harmless(context.domain ?? '');
  const uri = harmless(context.uri ?? '');
  switch (code) {
    case 'aborted':
      return l10n.t('The copy was cancelled.');
    case 'no-domain':
      return l10n.t(
        'There is no domain "{0}" at {1} any more: refresh the list and choose another.',
        domain,
        uri,
      );
    case 'version':
      return l10n.t(
        'The receiver in domain "{0}" speaks another version of the protocol: install the one that came with Guestwire.',
        domain,
      );
    default:
      return withoutNotation(wording.describeError(error, context));
  }
}
