import { ENGLISH, type MessageId } from './english.ts';

/**
 * Something to tell a user, as data: it can be stored, and put into words later, in any language. Values that are text
 * are as a guest, a file's name or libvirt gave them: rendering makes them harmless.
 */
export interface Message {
  readonly id: MessageId;
  readonly values: readonly MessageValue[];
}

export type MessageValue = string | number | Message;

/** What a front end makes of a message: its words, and values that can't do harm where they are shown. */
export interface Rendering {
  /** As vscode.l10n.t: the English text is the key. */
  readonly translate: (english: string, ...values: string[]) => string;
  readonly neutralize: (text: string) => string;
}

export function message(id: MessageId, ...values: readonly MessageValue[]): Message {
  return { id, values };
}

export function render({ id, values }: Message, rendering: Rendering): string {
  // A stored message may be from a version that had other ids.
  return rendering.translate(ENGLISH[id] ?? id, ...renderValues(values, rendering));
}

export function renderValues(values: readonly MessageValue[], rendering: Rendering): string[] {
  return values.map(value => {
    if (typeof value === 'number') return String(value);
    return typeof value === 'string' ? rendering.neutralize(value) : render(value, rendering);
  });
}

/** As vscode.l10n.t does without a bundle. Placeholders within values stay as they are. */
export function fillIn(text: string, ...values: readonly (string | number)[]): string {
  return text.replace(/\{(\d+)\}/g, (placeholder, index) => String(values[Number(index)] ?? placeholder));
}

/** For logs, which are English. */
export function inEnglish(text: Message): string {
  return render(text, { translate: fillIn, neutralize: value => value });
}

/** "a", "a, b", "a, b or c": each a message or a name. */
export function alternatives(values: readonly MessageValue[]): MessageValue {
  const [last = '', ...others] = [...values].reverse();
  return others.length === 0 ? last : message('join.or', listOf(others.reverse()), last);
}

/** "a, b, c" */
export function listOf(values: readonly MessageValue[]): MessageValue {
  return values.reduce((list, value) => (list === '' ? value : message('join.list', list, value)), '');
}
