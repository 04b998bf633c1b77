import { fillIn } from '../../engine/messages/message.ts';

/**
 * Texts for people, in the language VS Code runs in. A module of its own so that what only words things needs no
 * VS Code, and can be tested without it; extension.ts puts VS Code's own translation in.
 */
export type Translate = (message: string, ...values: (string | number)[]) => string;

let translate: Translate = fillIn;

/** `l10n.t('{0} of {1}', a, b)`: the English text is the key, so it is always a literal. */
export const l10n = {
  t: (message: string, ...values: (string | number)[]): string => translate(message, ...values),
  /** For the engine's catalogue. */
  known: (message: string, ...values: string[]): string => translate(message, ...values),
};

export function setTranslation(translation: Translate): void {
  translate = translation;
}
