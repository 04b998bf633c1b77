import type { MessageId } from '../../engine/messages/english.ts';
import { type Message, render } from '../../engine/messages/message.ts';
import { harmless } from './harmless.ts';
import { l10n } from './l10n.ts';

/** What VS Code's user can do about it, behind the message. */
const HINTS: Readonly<Partial<Record<MessageId, () => string>>> = {
  'copy.unexpected': () => l10n.t('See the Guestwire log for details.'),
  'domain.none': () => l10n.t('Refresh the list and choose another domain.'),
};

/** A message of the engine in the user's language, safe for labels and notifications. */
export function localized(message: Message): string {
  const text = render(message, { translate: l10n.known, neutralize: harmless });
  const hint = HINTS[message.id]?.();
  return hint === undefined ? text : `${text} ${hint}`;
}
