import type { LibvirtError, LibvirtErrorCode } from 'libvirt';
import { accessAdvice } from './accessMessages.ts';
import { type Message, type MessageValue, message } from './message.ts';

interface Facts {
  /** The connection's URI. */
  readonly at: MessageValue;
  readonly guest: Message;
  readonly subject: string;
  readonly error: LibvirtError;
}

type Wording = (facts: Facts) => Message;

const failed: Wording = ({ at }) => message('libvirt.failed', at);

const WORDINGS: Readonly<Record<LibvirtErrorCode, Wording>> = {
  'access-denied': ({ subject, error }) => message('libvirt.access-denied', subject, accessAdvice(error)),
  'auth-failed': ({ subject, at, error }) =>
    message('libvirt.auth-failed', subject || at, accessAdvice(error)),
  'bad-device': ({ subject, guest }) => message('libvirt.bad-device', subject, guest),
  'bad-uri': ({ subject }) => message('libvirt.bad-uri', subject),
  busy: ({ subject, guest }) => message('libvirt.busy', subject, guest),
  config: ({ guest }) => message('libvirt.config', guest),
  'connection-lost': ({ at }) => message('libvirt.connection-lost', at),
  denied: ({ at, error }) => message('libvirt.denied', at, accessAdvice(error)),
  internal: failed,
  'invalid-argument': ({ at }) => message('libvirt.invalid-argument', at),
  'no-domain': ({ at, guest }) => message('domain.none', guest, at),
  'no-metadata': ({ at }) => message('libvirt.no-metadata', at),
  'no-pool': ({ at }) => message('libvirt.no-pool', at),
  'no-socket': ({ subject }) => message('libvirt.no-socket', subject),
  'no-volume': ({ at }) => message('libvirt.no-volume', at),
  'operation-failed': failed,
  'operation-invalid': ({ guest }) => message('libvirt.operation-invalid', guest),
  protocol: ({ at }) => message('libvirt.protocol', at),
  'read-only': ({ at, error }) => message('libvirt.read-only', at, accessAdvice(error)),
  stalled: ({ guest }) => message('libvirt.stalled', guest),
  'stream-failed': ({ guest }) => message('libvirt.stream-failed', guest),
  system: failed,
  timeout: ({ at }) => message('libvirt.timeout', at),
  unsupported: ({ at }) => message('libvirt.unsupported', at),
  'volume-exists': ({ at }) => message('libvirt.volume-exists', at),
};

/** Codes whose sentence says all there is: what libvirt adds would only repeat it. */
const SAYS_ALL: ReadonlySet<LibvirtErrorCode> = new Set([
  'no-domain',
  'read-only',
  'busy',
  'no-pool',
  'no-volume',
]);

/** libvirt's own words stand behind, where they may say more than the code does. */
export function describeLibvirtError(error: LibvirtError, at: MessageValue, guest: Message): Message {
  const wording = wordingOf(error)({ at, guest, subject: error.subject ?? '', error });
  if (error.says === undefined || SAYS_ALL.has(error.code)) return wording;
  return message('libvirt.says', wording, error.says);
}

/** The system's sockets are of services; who made another one knows how. */
function notListening(path: string): Message {
  const [, daemon] = /^\/(?:var\/)?run\/libvirt\/(virt\w+|libvirt)-sock(?:-ro)?$/.exec(path) ?? [];
  return daemon === undefined
    ? message('libvirt.own-not-listening', path)
    : message('libvirt.not-listening', path, daemon === 'libvirt' ? 'libvirtd' : daemon);
}

function wordingOf({ code, reason }: LibvirtError): Wording {
  switch (reason) {
    case 'no-helper':
      return ({ subject }) => message('libvirt.no-helper', subject);
    case 'not-listening':
      return ({ subject }) => notListening(subject);
    case 'sasl':
      return ({ subject }) => message('libvirt.sasl', subject);
    case 'silent':
      return ({ at }) => message('libvirt.silent', at);
    case 'transport':
      return ({ at, subject }) => message('libvirt.transport', at, subject);
    case 'upload':
      return ({ at, subject }) =>
        message(code === 'stalled' ? 'libvirt.upload-unconfirmed' : 'libvirt.upload-failed', at, subject);
    case undefined:
      return WORDINGS[code];
  }
}
