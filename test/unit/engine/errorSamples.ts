// An error of every code that the layers below the engine have, with words for logs that no user may ever see.
import { LibvirtError, type LibvirtErrorCode, type LibvirtErrorReason } from 'libvirt';
import {
  GuestError,
  type GuestErrorDetails,
  type PauseReason,
  type StopReason,
} from '../../../src/engine/guest/guestError.ts';
import {
  type AttemptOutcome,
  type Candidate,
  type CandidateReason,
  LinkError,
  type LinkErrorCode,
} from '../../../src/link/index.ts';
import { ProtocolError, type ProtocolErrorCode, RemoteError } from '../../../src/protocol/index.ts';
import { abortError } from '../../../src/text/abort.ts';
import { SameNameError, TransferError } from '../../../src/transfer/index.ts';

/** Stands in every error's own message. */
export const LOG_WORDS = 'words-for-logs';
const words = `${LOG_WORDS}: no port has an open console`;

/** A record has to name every member of the union: whoever adds a code is told by the compiler. */
function keysOf<Key extends string>(record: Readonly<Record<Key, true>>): Key[] {
  return Object.keys(record) as Key[];
}

const libvirtCodes = keysOf<LibvirtErrorCode>({
  'access-denied': true,
  'auth-failed': true,
  'bad-device': true,
  'bad-uri': true,
  busy: true,
  config: true,
  'connection-lost': true,
  denied: true,
  internal: true,
  'invalid-argument': true,
  'no-domain': true,
  'no-metadata': true,
  'no-pool': true,
  'no-socket': true,
  'no-volume': true,
  'operation-failed': true,
  'operation-invalid': true,
  protocol: true,
  'read-only': true,
  stalled: true,
  'stream-failed': true,
  system: true,
  timeout: true,
  unsupported: true,
  'volume-exists': true,
});

const libvirtReasons = keysOf<LibvirtErrorReason>({
  'no-helper': true,
  'not-listening': true,
  sasl: true,
  silent: true,
  transport: true,
  upload: true,
});

const linkCodes = keysOf<LinkErrorCode>({
  'bad-xml': true,
  busy: true,
  'device-failed': true,
  'device-lost': true,
  'device-missing': true,
  'device-permission': true,
  'no-link': true,
  'no-receiver': true,
  'no-such-device': true,
  'not-openable': true,
});

const outcomes = keysOf<AttemptOutcome>({
  busy: true,
  'closed-in-guest': true,
  login: true,
  'not-opened': true,
  shell: true,
  silent: true,
  terminal: true,
});

const protocolCodes = keysOf<ProtocolErrorCode>({
  'no-receiver': true,
  occupied: true,
  version: true,
  lost: true,
  closed: true,
  reset: true,
});

const simpleReasons = keysOf<Exclude<CandidateReason['code'], 'backend' | 'kernel-console' | 'other-socket'>>(
  {
    'closed-in-guest': true,
    'extra-port': true,
    fastest: true,
    'guest-agent': true,
    spice: true,
    'other-program': true,
    'login-on-console': true,
    'login-on-first-port': true,
    named: true,
    'no-input': true,
    'windows-first-port': true,
  },
);

export function candidateReasons(name: string): CandidateReason[] {
  return [
    ...simpleReasons.map(code => ({ code })),
    { code: 'backend', backend: name, possible: [name, name] },
    { code: 'kernel-console', console: name },
    { code: 'other-socket', path: name },
  ];
}

/** One of every kind of link. */
export function candidates(name: string): Candidate[] {
  const rest = { device: name, alias: name, use: 'named-only', reason: { code: 'no-input' } } as const;
  return [
    { ...rest, kind: 'channel', element: 'channel' },
    { ...rest, kind: 'serial', element: 'serial', model: name },
    { ...rest, kind: 'virtio-console', element: 'console', model: name },
    { ...rest, kind: 'pty', element: 'host' },
    { ...rest, kind: 'serialport', element: 'host' },
  ];
}

function linkErrors(name: string): LinkError[] {
  const attempts = outcomes.flatMap(outcome => candidates(name).map(link => ({ link, outcome })));
  const details = candidates(name).map(candidate => ({ domain: name, device: name, candidate, attempts }));
  return linkCodes.flatMap(code => [
    new LinkError(code, words),
    new LinkError(code, words, { device: name, attempts: attempts.slice(0, 1) }),
    ...details.map(
      one => new LinkError(code, words, { ...one, osFamily: 'windows', available: [name, name] }),
    ),
  ]);
}

function libvirtErrors(name: string): LibvirtError[] {
  return [
    ...libvirtCodes.flatMap(code => [
      new LibvirtError(code, words),
      new LibvirtError(code, words, { subject: name, says: name }),
    ]),
    ...libvirtReasons.map(reason => new LibvirtError('stalled', words, { reason, subject: name })),
    new LibvirtError('stream-failed', words, { reason: 'upload', subject: name, says: name }),
  ];
}

const pauses = keysOf<PauseReason>({
  crashed: true,
  dump: true,
  ioerror: true,
  migration: true,
  save: true,
  snapshot: true,
  watchdog: true,
});

const stops = keysOf<StopReason>({
  crashed: true,
  destroyed: true,
  'from-snapshot': true,
  migrated: true,
  saved: true,
  shutdown: true,
  unknown: true,
});

function guestErrors(name: string): GuestError[] {
  const states = ['shutoff', 'shutdown', 'crashed', 'paused', 'pmsuspended'] as const;
  const details: GuestErrorDetails[] = [
    ...states.map(state => ({ code: 'not-running', domain: name, state }) as const),
    ...pauses.map(pause => ({ code: 'not-running', domain: name, state: 'paused', pause }) as const),
    ...stops.flatMap(reason =>
      [true, false].map(restarted => ({ code: 'domain-stopped', domain: name, reason, restarted }) as const),
    ),
    ...[true, false].map(answersAgain => ({ code: 'connection-lost', uri: name, answersAgain }) as const),
  ];
  return details.map(one => new GuestError(one));
}

/** @param fileCodes - of PROTOCOL.md and of the host's file system */
export function errorsOfEveryLayer(name: string, fileCodes: readonly string[]): unknown[] {
  return [
    ...libvirtErrors(name),
    ...linkErrors(name),
    ...guestErrors(name),
    ...protocolCodes.map(code => new ProtocolError(code, words)),
    ...fileCodes.map(code => new RemoteError(code, words, new Map([['path', name]]))),
    ...fileCodes.map(code => new TransferError(code, words, name)),
    new SameNameError(name, [name, name]),
    abortError(),
    new Error(words),
    words,
    undefined,
  ];
}
