import { type Domain, isLibvirtError, type LibvirtConnection, type LibvirtStream } from 'libvirt';
import { throwIfAborted } from '../text/abort.ts';
import type { Candidate } from './candidates.ts';
import { LinkError } from './errors.ts';
import type { Link } from './link.ts';

/** What of a connection a link needs. */
export type ConsoleOpener = Pick<LibvirtConnection, 'openConsole' | 'openChannel'>;

export interface OpenLinkOptions {
  readonly signal?: AbortSignal | undefined;
  /** Cuts off whoever holds the device. Only ever on a person's word. */
  readonly takeOver?: boolean | undefined;
}

/**
 * The device a person named, by alias or channel name. Throws LinkError `no-such-device` (with those there
 * are in `available`) or `not-openable`.
 */
export function chooseCandidate(
  candidates: readonly Candidate[],
  device: string,
  domainName: string,
): Candidate {
  const found =
    candidates.find(candidate => candidate.device === device) ??
    candidates.find(candidate => candidate.alias === device);
  if (!found) {
    const available = candidates
      .filter(candidate => candidate.use !== 'unusable')
      .map(candidate => candidate.device);
    const list = available.length > 0 ? `it has ${available.join(', ')}` : 'it has none that can be opened';
    throw new LinkError('no-such-device', `Domain "${domainName}" has no device "${device}": ${list}.`, {
      device,
      available,
    });
  }
  if (found.use !== 'unusable') return found;
  throw new LinkError(
    'not-openable',
    `The ${found.label} of domain "${domainName}" can't be opened: ${found.reason}.`,
    { device },
  );
}

/**
 * Opens a device of a running domain as a stream of libvirt's, waiting some seconds for one that is busy: the
 * daemon needs that long to notice that a holder has died. Throws LinkError `busy`, an AbortError,
 * and LibvirtError for whatever else libvirt says.
 */
export async function openLink(
  connection: ConsoleOpener,
  domain: Domain,
  candidate: Candidate,
  options: OpenLinkOptions = {},
): Promise<Link> {
  throwIfAborted(options.signal);
  try {
    const stream = await openStream(connection, domain, candidate, options);
    const { kind, device, label } = candidate;
    return { stream, description: { kind, device, label } };
  } catch (error) {
    throwIfAborted(options.signal);
    throw isLibvirtError(error) && error.code === 'busy' ? busy(domain, candidate, error) : error;
  }
}

function openStream(
  connection: ConsoleOpener,
  domain: Domain,
  candidate: Candidate,
  options: OpenLinkOptions,
): Promise<LibvirtStream> {
  const open = { force: options.takeOver ?? false, signal: options.signal };
  return candidate.kind === 'channel'
    ? connection.openChannel(domain, candidate.device, open)
    : connection.openConsole(domain, candidate.alias, open);
}

function busy(domain: Domain, candidate: Candidate, cause: unknown): LinkError {
  return new LinkError(
    'busy',
    `The ${candidate.label} of domain "${domain.name}" is in use by another program, such as virsh console ` +
      'or another copy: close that and try again.',
    { device: candidate.device, cause },
  );
}
