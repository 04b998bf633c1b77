import { printable } from '../../text/printable.ts';

/**
 * Text from a guest, a domain's XML or a file's name, for VS Code's labels and notifications. Besides control
 * characters, two notations mean something there: `$(name)` becomes an icon, and `[text](command:…)` in a
 * notification a link that runs a command. A word joiner, which nobody sees, takes both apart.
 */
export function harmless(text: string): string {
  return withoutNotation(printable(text));
}

/** For sentences whose parts have been through `printable` already. */
export function withoutNotation(text: string): string {
  return text.replaceAll('$(', '$\u2060(').replaceAll('](', ']\u2060(');
}
