import { parseArgs } from 'node:util';
import type { FeatureMode } from '../text/featureMode.ts';

export type ConflictOption = 'ask' | 'overwrite' | 'skip' | 'newer' | 'rename';

export interface CopyArguments {
  readonly mode: 'copy';
  /** libvirt URI; undefined takes the default. */
  readonly connect: string | undefined;
  /** `auto`, or a device. */
  readonly link: string;
  readonly conflict: ConflictOption;
  readonly compress: FeatureMode;
  readonly delta: FeatureMode;
  /** Further serial ports of the domain, side by side. */
  readonly lanes: FeatureMode;
  /** Compare files that are there by their content, not by size and time. */
  readonly checksum: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly domain: string;
  /** Further domains that get the same. */
  readonly also: readonly string[];
  readonly sources: readonly string[];
  readonly destination: string;
}

export interface ListArguments {
  readonly mode: 'list';
  readonly connect: string | undefined;
  readonly json: boolean;
}

export type Arguments =
  | CopyArguments
  | ListArguments
  | { readonly mode: 'help' }
  | { readonly mode: 'version' };

/** The command line can't be understood; exit code 2. `message` is one sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const CONFLICTS = ['ask', 'overwrite', 'skip', 'newer', 'rename'] as const;
const ON_OFF = ['auto', 'on', 'off'] as const;

const options = {
  connect: { type: 'string', short: 'c' },
  link: { type: 'string', default: 'auto' },
  conflict: { type: 'string', default: 'ask' },
  compress: { type: 'string', default: 'auto' },
  delta: { type: 'string', default: 'auto' },
  lanes: { type: 'string', default: 'auto' },
  also: { type: 'string', multiple: true, default: [] as string[] },
  checksum: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  quiet: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  version: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/**
 * @param argv - without the program's own name
 * @throws UsageError
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv);
  if (values.help) return { mode: 'help' };
  if (values.version) return { mode: 'version' };
  const connect = values.connect === undefined ? undefined : notEmpty('--connect', values.connect);
  const { json, quiet } = values;
  if (values.list) {
    if (positionals.length > 0) throw new UsageError('--list takes no further arguments.');
    return { mode: 'list', connect, json };
  }
  return {
    mode: 'copy',
    connect,
    link: notEmpty('--link', values.link),
    conflict: oneOf('--conflict', values.conflict, CONFLICTS),
    compress: oneOf('--compress', values.compress, ON_OFF),
    delta: oneOf('--delta', values.delta, ON_OFF),
    lanes: oneOf('--lanes', values.lanes, ON_OFF),
    checksum: values.checksum,
    also: values.also.map(domain => notEmpty('--also', domain)),
    json,
    quiet,
    ...operands(positionals),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(describeParseError(error as NodeJS.ErrnoException), { cause: error });
  }
}

/** Node's own texts run to three sentences; the option they quote is what counts. */
function describeParseError({ code, message }: NodeJS.ErrnoException): string {
  const option = /'(?:-\w, )?(--?[^\s'<]*)/.exec(message)?.[1] ?? 'an option';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    return `There is no option "${option}"; put "--" before a file name that begins with "-".`;
  }
  if (/does not take an argument/.test(message)) return `The option "${option}" takes no value.`;
  return `The option "${option}" needs a value.`;
}

function operands(positionals: readonly string[]) {
  const [domain, ...paths] = positionals;
  const destination = paths.pop();
  if (domain === undefined) throw new UsageError('Missing arguments: guest domain, file and out path.');
  if (destination === undefined) throw new UsageError('Missing arguments: file and out path.');
  if (paths.length === 0) throw new UsageError('Missing argument: file or out path.');
  notEmpty('The guest domain', domain);
  notEmpty('The out path', destination);
  for (const path of paths) notEmpty('The name of a file', path);
  return { domain, sources: paths, destination };
}

function notEmpty(what: string, value: string): string {
  if (value === '') throw new UsageError(`${what} can't be empty.`);
  return value;
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find(one => one === value);
  if (found !== undefined) return found;
  throw new UsageError(
    `${option} must be ${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}, not "${value}".`,
  );
}
