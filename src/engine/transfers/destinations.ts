import type { OsFamily } from '../../link/index.ts';
import type { GuestSystem } from '../connections/receivers.ts';
import { type Message, message } from '../messages/message.ts';

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

/** The name that a source would have in the folder; empty if it can't be part of a path that is typed. */
export function proposedName(folder: string, name: string): string {
  return name.includes('\\') || destinationProblem(folder + name, 1) ? '' : name;
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
export function destinationProblem(text: string, sourceCount: number): Message | undefined {
  if (text.trim() === '') return message('destination.empty');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(text)) return message('destination.control-characters');
  if (text.length > MAX_LENGTH) return message('destination.too-long');
  if (/^[a-z][\w+.-]+:\/\//i.test(text)) return message('destination.url');
  if (sourceCount > 1 && /^(\/dev\/\w+|NUL)$/i.test(text)) {
    return message('destination.several-to-device');
  }
  return undefined;
}
