import type { MessageId } from '../../engine/messages/english.ts';
import { fillIn, type Message, render } from '../../engine/messages/message.ts';
import { harmless } from './harmless.ts';

/**
 * Texts for people, in the language VS Code runs in. A module of its own so that what only words things needs no
 * VS Code, and can be tested without it; extension.ts puts VS Code's own translation in.
 */
export type Translate = (message: string, ...values: (string | number)[]) => string;

let translate: Translate = fillIn;

/** `l10n.t('{0} of {1}', a, b)`: the English text is the key, so it is always a literal. */
export const l10n = {
  t: (message: string, ...values: (string | number)[]): string => translate(message, ...values),
};

export function setTranslation(translation: Translate): void {
  translate = translation;
}

/** What the front end knows to do about it, behind the message. */
const HINTS: Readonly<Partial<Record<MessageId, () => string>>> = {
  'domain.none': () => l10n.t('Refresh the list and choose another domain.'),
};

/** A message of the engine in words, safe for labels and notifications. */
export function localized(message: Message): string {
  const text = render(message, { translate: (...args) => translate(...args), neutralize: harmless });
  const hint = HINTS[message.id]?.();
  return hint === undefined ? text : `${text} ${hint}`;
}
