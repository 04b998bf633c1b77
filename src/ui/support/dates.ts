/** Dates in the language VS Code runs in: that of the extension's process may be another one, such as a server's. */

let locale: string | undefined;

export function setDateLocale(language: string): void {
  locale = language;
}

/** "Nov 30, 2026, 12:18:05 PM"; undefined for what is no time. */
export function dateText(timeMs: number, dateStyle: 'short' | 'medium' = 'medium'): string | undefined {
  const time = new Date(timeMs);
  if (Number.isNaN(time.getTime())) return undefined;
  return time.toLocaleString(locale, { dateStyle, timeStyle: 'medium' });
}
