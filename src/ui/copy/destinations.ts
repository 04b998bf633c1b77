import type { GuestSystem } from '../../engine/connections/receivers.ts';
import type { OsFamily } from '../../link/index.ts';
import { l10n } from '../support/l10n.ts';

/** The setting `guestwire.destination`: by domain name, or by guest system under the two keys below. */
export type DestinationSetting = Readonly<Record<string, string>>;

const LINUX = 'os:linux';
const WINDOWS = 'os:windows';
/** Every receiver expands this to its user's home folder. */
const HOME = '~/';
/** The longest path that any guest accepts. */
const MAX_LENGTH = 4096;

export interface DestinationFacts {
  readonly domain: string;
  readonly system: GuestSystem | undefined;
  readonly osFamily: OsFamily | undefined;
}

export function defaultDestination(setting: DestinationSetting, facts: DestinationFacts): string {
  const byDomain = entry(setting, facts.domain);
  return byDomain ?? entry(setting, isWindows(facts) ? WINDOWS : LINUX) ?? HOME;
}

/** The proposal for several guests: the one they share, else the home folder, which every receiver knows. */
export function commonDestination(proposals: readonly string[]): string {
  const [first = HOME, ...others] = proposals;
  return others.every(other => other === first) ? first : HOME;
}

function isWindows({ system, osFamily }: DestinationFacts): boolean {
  return system === undefined ? osFamily === 'windows' : system === 'windows';
}

/** Looks at own keys only, because a domain may be called "constructor". */
function entry(setting: DestinationSetting, key: string): string | undefined {
  const value: unknown = Object.hasOwn(setting, key) ? setting[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What's wrong with a typed destination; undefined if it can be tried. */
export function destinationProblem(text: string, sourceCount: number): string | undefined {
  if (text.trim() === '') return l10n.t('Enter a folder in the guest, such as /tmp/.');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(text)) return l10n.t("A path can't contain control characters.");
  if (text.length > MAX_LENGTH) return l10n.t('This path is too long.');
  if (/^[a-z][\w+.-]+:\/\//i.test(text)) return l10n.t('Enter a path in the guest, not a URL.');
  if (sourceCount > 1 && /^(\/dev\/\w+|NUL)$/i.test(text)) {
    return l10n.t("Enter a folder. Several files can't be copied to a device.");
  }
  return undefined;
}
