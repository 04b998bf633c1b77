import type {
  Attempt,
  AttemptOutcome,
  CandidateReason,
  LinkDescription,
  LinkError,
  OsFamily,
} from '../../link/index.ts';
// Not by the index, which brings libvirt along: the extension words links before it needs one.
import { CHANNEL_NAME } from '../../link/link.ts';
import { accessAdvice } from './accessMessages.ts';
import { alternatives, listOf, type Message, message } from './message.ts';

/** Starting a receiver isn't enough there. */
const OCCUPIED: ReadonlySet<AttemptOutcome> = new Set(['login', 'shell', 'terminal']);

/** "virtio channel org.guestwire.0", "isa-serial port serial1". */
export function linkLabel({ kind, element, model = '', device }: LinkDescription): Message {
  switch (element) {
    case 'channel':
      return message('link.channel', device);
    case 'serial':
      return message('link.serial', model, device);
    case 'console':
      return message('link.console', model, device);
    case 'host':
      return message(kind === 'pty' ? 'link.pty' : 'link.host-port', device);
  }
}

/** Why a link is or isn't tried: a clause without a full stop. */
export function candidateReason(reason: CandidateReason): Message {
  switch (reason.code) {
    case 'backend':
      return message(
        'reason.backend',
        reason.backend,
        alternatives(reason.possible.map(one => message('quoted', one))),
      );
    case 'kernel-console':
      return message('reason.kernel-console', reason.console);
    case 'other-socket':
      return message('reason.other-socket', reason.path);
    default:
      return message(`reason.${reason.code}`);
  }
}

/** How a receiver is started in the guest. */
function receiverCommand(osFamily: OsFamily): string {
  return osFamily === 'windows'
    ? 'powershell -ExecutionPolicy Bypass -File receiver.ps1'
    : 'python3 receiver.py';
}

/** @param guest - the domain, where the error doesn't name it */
export function describeLinkError(error: LinkError, guest: Message): Message {
  const { domain = '', device = '', available, candidate } = error;
  switch (error.code) {
    case 'no-receiver':
      return noReceiver(error, guest);
    case 'no-link':
      return available.length > 0
        ? message('link.none-unasked-but', domain, listOf(available))
        : message('link.none-unasked', domain, CHANNEL_NAME);
    case 'no-such-device':
      return available.length > 0
        ? message('link.no-such-device', domain, device, listOf(available))
        : message('link.no-device', domain, device);
    case 'not-openable': {
      const label = candidate ? linkLabel(candidate) : device;
      return message('link.not-openable', label, domain, candidate ? candidateReason(candidate.reason) : '');
    }
    case 'busy':
      return candidate && error.domain !== undefined
        ? message('link.busy', linkLabel(candidate), domain)
        : message('link.port-busy', device);
    case 'device-missing':
      return message('link.port-missing', device);
    case 'device-permission':
      return portDenied(device);
    case 'device-failed':
      return message('link.port-failed', device);
    case 'device-lost':
      return message('link.port-lost', device);
    case 'bad-xml':
      return message('link.bad-xml', guest);
  }
}

/** Windows has one error for both causes. */
function portDenied(device: string): Message {
  return process.platform === 'win32'
    ? message('link.port-denied-or-busy', device)
    : message('link.port-denied', device, accessAdvice({ code: 'access-denied', subject: device }));
}

function noReceiver({ domain, osFamily, attempts }: LinkError, guest: Message): Message {
  if (attempts.length === 0) return message('session.no-receiver', guest);
  const links = alternatives(attempts.map(attemptText));
  const command = receiverCommand(osFamily);
  const isOccupied = attempts.some(({ outcome }) => OCCUPIED.has(outcome));
  if (domain === undefined)
    return message(isOccupied ? 'link.occupied-port' : 'link.no-receiver-on-port', links, command);
  return message(isOccupied ? 'link.occupied' : 'link.no-receiver', domain, links, command);
}

function attemptText({ link, outcome }: Attempt): Message {
  const label = linkLabel(link);
  return outcome === 'silent' ? label : message(`attempt.${outcome}`, label);
}
