import type { LibvirtError } from 'libvirt';
import { type AccessGap, findAccessGap } from '../guest/libvirtAccess.ts';
import { type Message, message } from './message.ts';

/** libvirt's virErrorNumber: the user has closed polkit's question. */
const AUTH_CANCELLED = 79;
/** A rule of libvirt's for single domains and calls (access_drivers), which has nothing to do with getting in. */
const ACCESS_DENIED = 88;

/** By libvirt; or by a device of this computer, which has an owner and a group as libvirt's sockets have. */
type Refusal = Pick<LibvirtError, 'code'> & Partial<Pick<LibvirtError, 'number' | 'subject'>>;

/**
 * What a user can do whom libvirt refuses, found out by looking at groups, socket and polkit.
 *
 * @param look - for tests
 */
export function accessAdvice({ code, number, subject }: Refusal, look = findAccessGap): Message {
  if (number === AUTH_CANCELLED) return message('access.cancelled');
  if (number === ACCESS_DENIED) return message('access.rules');
  const gap = look(code === 'access-denied' ? subject : undefined);
  return code === 'access-denied' && gap.kind === 'member'
    ? message('access.member-of-socket', gap.group)
    : describeGap(gap);
}

function describeGap(gap: AccessGap): Message {
  return 'group' in gap ? message(`access.${gap.kind}`, gap.group) : message(`access.${gap.kind}`);
}
