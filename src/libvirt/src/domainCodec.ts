/**
 * Domains, states, errors and events between their XDR shapes and ours (src/remote/remote_protocol.x):
 *
 *   remote_nonnull_domain    { string name, opaque uuid[16], i32 id }; an id of -1 means that it isn't running
 *   remote_domain_get_info_ret
 *                            { u8 state, u64 maxMem, u64 memory, u16 nrVirtCpu, u64 cpuTime }
 *   remote_domain_event_callback_lifecycle_msg
 *                            { i32 callbackID, domain, i32 event, i32 detail }
 */
import { DOMAIN_LIST_MAX, UUID_BYTES } from './constants.ts';
import { codeOfNumber, LibvirtError } from './errors.ts';
import type {
  Domain,
  DomainInfo,
  DomainState,
  DomainStateReason,
  DomainStatus,
  LifecycleEvent,
  LifecycleEventName,
} from './types.ts';
import { type XdrReader, XdrWriter } from './xdr.ts';

/** Name length + UUID + id: the smallest remote_nonnull_domain. */
const DOMAIN_MIN_BYTES = 4 + UUID_BYTES + 4;

// include/libvirt/libvirt-domain.h: virDomainState, in order from 0
const STATES: readonly DomainState[] = [
  'nostate',
  'running',
  'blocked',
  'paused',
  'shutdown',
  'shutoff',
  'crashed',
  'pmsuspended',
];

// include/libvirt/libvirt-domain.h: virDomainRunningReason and its siblings, each in order from 0
const REASONS: Readonly<Partial<Record<DomainState, readonly DomainStateReason[]>>> = {
  running: [
    ...(['unknown', 'booted', 'migrated', 'restored', 'from-snapshot', 'unpaused'] as const),
    ...(['migration-canceled', 'save-canceled', 'wakeup', 'crashed', 'postcopy', 'postcopy-failed'] as const),
  ],
  paused: [
    ...(['unknown', 'user', 'migration', 'save', 'dump', 'ioerror', 'watchdog', 'from-snapshot'] as const),
    ...(['shutting-down', 'snapshot', 'crashed', 'starting-up', 'postcopy', 'postcopy-failed'] as const),
    'api-error',
  ],
  shutdown: ['unknown', 'user'],
  shutoff: [
    ...(['unknown', 'shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed'] as const),
    ...(['from-snapshot', 'daemon'] as const),
  ],
  crashed: ['unknown', 'panicked'],
};

// virDomainEventStoppedDetailType, in order from 0
const STOP_REASONS: readonly DomainStateReason[] = [
  ...(['shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot'] as const),
];

// include/libvirt/libvirt-domain.h: virDomainEventType, in order from 0
const EVENTS: readonly LifecycleEventName[] = [
  'defined',
  'undefined',
  'started',
  'suspended',
  'resumed',
  'stopped',
  'shutdown',
  'pmsuspended',
  'crashed',
];

export function readDomain(reader: XdrReader): Domain {
  const name = reader.string();
  const uuid = formatUuid(reader.fixed(UUID_BYTES));
  const id = reader.i32();
  return { name, uuid, id: id < 0 ? undefined : id };
}

export function writeDomain(writer: XdrWriter, domain: Domain): XdrWriter {
  return writer
    .string(domain.name)
    .fixed(parseUuid(domain.uuid))
    .i32(domain.id ?? -1);
}

/** Many calls' arguments. Without flags libvirt chooses: for a reboot, say, the guest's agent or ACPI. */
export function domainAndNoFlags(domain: Domain): Buffer {
  return writeDomain(new XdrWriter(), domain).u32(0).finish();
}

/** A state that a newer libvirt may have added is no reason to fail a whole list. */
function readState(reader: XdrReader): DomainState {
  return STATES[reader.i32()] ?? 'nostate';
}

/** remote_domain_get_state_ret */
export function readStatus(reader: XdrReader): DomainStatus {
  const state = readState(reader);
  // Read in any case, for it's there.
  const reason = reader.i32();
  return { state, reason: REASONS[state]?.[reason] ?? 'unknown' };
}

export function readDomainList(reader: XdrReader): Domain[] {
  const domains = reader.array(DOMAIN_LIST_MAX, DOMAIN_MIN_BYTES, readDomain);
  reader.u32(); // the number of domains once more
  return domains;
}

/** remote_domain_get_info_ret: XDR widens the char and the short to 4 bytes each. */
export function readDomainInfo(reader: XdrReader): DomainInfo {
  return {
    state: readState(reader),
    maxMemoryKiB: reader.u64(),
    memoryKiB: reader.u64(),
    cpuCount: reader.u32(),
    cpuTimeNs: reader.u64(),
  };
}

/** remote_domain_event_callback_lifecycle_msg. Undefined for an event newer than this client. */
export function readLifecycle(reader: XdrReader): LifecycleEvent | undefined {
  reader.i32(); // callbackID: we register once, for all domains
  const domain = readDomain(reader);
  const event = EVENTS[reader.i32()];
  const detail = reader.i32();
  if (event !== 'stopped') return event === undefined ? undefined : { domain, event, detail };
  return { domain, event, detail, stopReason: STOP_REASONS[detail] ?? 'unknown' };
}

/**
 * remote_error: i32 code, i32 domain, string? message, i32 level, domain?, string? × 3, i32 × 2, network?.
 * All of it is read, so that a malformed error is known as such.
 */
export function readError(reader: XdrReader): LibvirtError {
  const number = reader.i32();
  const domain = reader.i32();
  const message = reader.optionalString();
  reader.i32();
  reader.optional(readDomain);
  for (let i = 0; i < 3; i++) reader.optionalString();
  reader.i32();
  reader.i32();
  reader.optional(network => [network.string(), network.fixed(UUID_BYTES)]);
  return new LibvirtError(codeOfNumber(number, domain), message || 'libvirt gave no reason.', {
    says: message || undefined,
    number,
    domain,
  });
}

export function parseUuid(text: string): Buffer {
  const hex = text.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(hex)) {
    throw new LibvirtError('invalid-argument', `"${text}" is not the UUID of a domain.`);
  }
  return Buffer.from(hex, 'hex');
}

export function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
