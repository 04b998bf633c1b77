/**
 * Texts for people, in the language VS Code runs in. It gets by without VS Code, so that what only words things can be
 * tested without it; extension.ts puts VS Code's own translation in.
 */
import type { MessageId } from '../../engine/messages/english.ts';
import { fillIn, type Message, render, renderValues } from '../../engine/messages/message.ts';
import { harmless } from './harmless.ts';

export type Translate = (message: string, ...values: (string | number)[]) => string;

let translate: Translate = fillIn;

/** `l10n.t('{0} of {1}', a, b)`: the English text is the key, so it is always a literal. */
export const l10n = {
  t: (message: string, ...values: (string | number)[]): string => translate(message, ...values),
  /** For the engine's catalogue. */
  known: (message: string, ...values: string[]): string => translate(message, ...values),
};

let locale: string | undefined;

/** @param language - that of dates: the extension's process may have another one, such as a server's */
export function setTranslation(translation: Translate, language?: string): void {
  translate = translation;
  locale = language;
}

/** "Nov 30, 2026, 12:18:05 PM"; undefined for what is no time. */
export function dateText(timeMs: number, dateStyle: 'short' | 'medium' = 'medium'): string | undefined {
  const time = new Date(timeMs);
  if (Number.isNaN(time.getTime())) return undefined;
  return time.toLocaleString(locale, { dateStyle, timeStyle: 'medium' });
}

/** Worded for VS Code, where a button leads to a receiver in the guest: no file of it has to be found first. */
const OWN_WORDS: Readonly<Partial<Record<MessageId, (...values: string[]) => string>>> = {
  'link.no-receiver': (domain = '', links = '') =>
    l10n.t('No receiver answered in domain "{0}" on its {1}.', domain, links),
  'link.no-receiver-on-port': (links = '') => l10n.t('No receiver answered on {0}.', links),
  'link.occupied': (domain = '', links = '') =>
    l10n.t(
      'No receiver answered in domain "{0}" on its {1}. Install one that uses another port, or stop what waits there first.',
      domain,
      links,
    ),
  'link.occupied-port': (links = '') =>
    l10n.t('No receiver answered on {0}. Stop what waits there, then try again.', links),
  'session.no-receiver': (guest = '') => l10n.t('No receiver answered in {0}.', guest),
};

/** What VS Code's user can do about it, behind the message. */
const HINTS: Readonly<Partial<Record<MessageId, () => string>>> = {
  'copy.unexpected': () => l10n.t('See the Guestwire log for details.'),
  'domain.none': () => l10n.t('Refresh the list and choose another domain.'),
};

/** A message of the engine in the user's language, safe for labels and notifications. */
export function localized(message: Message): string {
  const rendering = { translate: l10n.known, neutralize: harmless };
  const own = OWN_WORDS[message.id];
  const text = own ? own(...renderValues(message.values, rendering)) : render(message, rendering);
  const hint = HINTS[message.id]?.();
  return hint === undefined ? text : `${text} ${hint}`;
}
