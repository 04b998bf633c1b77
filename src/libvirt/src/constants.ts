/**
 * Every number of the wire, with the libvirt source file it comes from. Nothing here was chosen by us
 * except the times at the end, each of which says why.
 */

// src/remote/remote_protocol.x: REMOTE_PROGRAM
export const PROGRAM_REMOTE = 0x20008086;
// src/rpc/virkeepaliveprotocol.x: KEEPALIVE_PROGRAM ("keep" in ASCII)
export const PROGRAM_KEEPALIVE = 0x6b656570;
// REMOTE_PROTOCOL_VERSION and KEEPALIVE_PROTOCOL_VERSION
export const PROTOCOL_VERSION = 1;

// src/rpc/virkeepaliveprotocol.x: enum keepalive_procedure
export const KEEPALIVE_PING = 1;
export const KEEPALIVE_PONG = 2;

// src/rpc/virnetprotocol.x: enum virNetMessageType. 4 and 5 carry file descriptors, which we never ask for;
// 6 is a hole of a sparse stream, which consoles and channels don't have.
export const TYPE_CALL = 0;
export const TYPE_REPLY = 1;
export const TYPE_EVENT = 2;
export const TYPE_STREAM = 3;

// src/rpc/virnetprotocol.x: enum virNetMessageStatus
export const STATUS_OK = 0;
export const STATUS_ERROR = 1;
export const STATUS_CONTINUE = 2;

// src/remote/remote_protocol.x: enum remote_procedure
export const PROC = {
  open: 1,
  close: 2,
  domainDefineXml: 11,
  domainDestroy: 12,
  domainGetXmlDesc: 14,
  domainGetInfo: 16,
  domainLookupById: 22,
  domainLookupByName: 23,
  domainLookupByUuid: 24,
  domainReboot: 27,
  domainResume: 28,
  domainShutdown: 33,
  domainSuspend: 34,
  domainUndefine: 35,
  getHostname: 59,
  supportsFeature: 60,
  authList: 66,
  authPolkit: 70,
  storagePoolRefresh: 83,
  storagePoolLookupByName: 84,
  storagePoolGetInfo: 87,
  storagePoolGetXmlDesc: 88,
  storageVolCreateXml: 93,
  storageVolDelete: 94,
  storageVolLookupByName: 95,
  storageVolLookupByPath: 97,
  storageVolGetPath: 100,
  domainIsPersistent: 151,
  getLibVersion: 157,
  domainAttachDeviceFlags: 160,
  domainDetachDeviceFlags: 161,
  domainUpdateDeviceFlags: 174,
  domainCreateWithFlags: 196,
  domainOpenConsole: 201,
  storageVolUpload: 208,
  domainGetState: 212,
  domainGetMetadata: 265,
  domainPmWakeup: 267,
  listAllDomains: 273,
  listAllStoragePools: 281,
  domainOpenChannel: 296,
  domainEventCallbackRegisterAny: 316,
  domainEventCallbackDeregisterAny: 317,
  domainEventCallbackLifecycle: 318,
} as const;

// src/remote/remote_protocol.x: enum remote_auth_type
export const AUTH_NONE = 0;
export const AUTH_POLKIT = 2;

// src/libvirt_internal.h: VIR_DRV_FEATURE_PROGRAM_KEEPALIVE. Asking for it also starts the daemon's pings.
export const FEATURE_KEEPALIVE = 10;

// include/libvirt/libvirt-host.h: VIR_CONNECT_RO
export const OPEN_READ_ONLY = 1;
// include/libvirt/libvirt-domain.h: VIR_DOMAIN_XML_INACTIVE, VIR_DOMAIN_METADATA_TITLE,
// VIR_DOMAIN_CONSOLE_FORCE and VIR_DOMAIN_CHANNEL_FORCE (both 1), VIR_DOMAIN_EVENT_ID_LIFECYCLE
export const XML_INACTIVE = 2;
export const METADATA_TITLE = 1;
export const OPEN_FORCE = 1;
export const EVENT_ID_LIFECYCLE = 0;
// include/libvirt/libvirt-domain.h: VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG
export const AFFECT_LIVE = 1;
export const AFFECT_CONFIG = 2;
// include/libvirt/libvirt-domain.h: VIR_DOMAIN_DEVICE_MODIFY_FORCE
export const MODIFY_FORCE = 4;
// include/libvirt/libvirt-storage.h: VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE
export const POOLS_ACTIVE = 2;

// include/libvirt/virterror.h: VIR_ERR_INTERNAL_ERROR, VIR_ERR_OPERATION_FAILED, VIR_ERR_NO_DOMAIN
export const ERROR_INTERNAL = 1;
export const ERROR_OPERATION_FAILED = 9;
export const ERROR_NO_DOMAIN = 42;

/** Length word and six header words, before the payload of every packet. */
export const HEADER_BYTES = 28;

/**
 * VIR_NET_MESSAGE_MAX (32 MiB since libvirt 1.2.20, before that 16) plus the length word, which it does not
 * count. A longer packet is refused on its first four bytes.
 */
export const PACKET_MAX_BYTES = 33_554_432 + 4;

/**
 * VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX (262,144) less the 24 header bytes: what every daemon takes in one
 * stream packet, and the most that one sends.
 */
export const STREAM_PAYLOAD_MAX_BYTES = 262_120;

/** REMOTE_STRING_MAX = VIR_NET_MESSAGE_STRING_MAX: domain XML is the longest string there is. */
export const STRING_MAX_BYTES = 4_194_304;

/** VIR_UUID_BUFLEN */
export const UUID_BYTES = 16;

/** REMOTE_DOMAIN_LIST_MAX */
export const DOMAIN_LIST_MAX = 16_384;

/** REMOTE_STORAGE_POOL_LIST_MAX */
export const STORAGE_POOL_LIST_MAX = 4096;

/** REMOTE_AUTH_TYPE_LIST_MAX */
export const AUTH_TYPE_LIST_MAX = 20;

/** A daemon that lives answers these within milliseconds; starting one by socket activation takes seconds. */
export const HANDSHAKE_TIMEOUT_MS = 15_000;

/** A goodbye that is not answered keeps nobody waiting: the socket is dropped, which the daemon notices too. */
export const GOODBYE_TIMEOUT_MS = 1_000;

/**
 * The end of an upload: what the daemon still holds goes to the pool's file system first, which may be a slow one,
 * or one on another machine.
 */
export const UPLOAD_END_TIMEOUT_MS = 60_000;

/**
 * Busy device: a stalled connection that was dropped is reaped by the daemon's own keepalive within 5 s,
 * so one's own last session frees the device within this.
 */
export const BUSY_RETRY_MS = 6_000;
export const BUSY_RETRY_INTERVAL_MS = 300;

/** A connection for calls: the daemon's death without a closed socket is noticed after 5 to 13 s. */
export const CONTROL_PING_MS = 5_000;
export const CONTROL_DEAD_MS = 8_000;

/**
 * A stream's connection: the daemon stops reading it while the guest doesn't read, and closes it after 30 s
 * of that (keepalive_interval × (keepalive_count + 1) in libvirtd.conf), so ours must be the longer patience.
 */
export const STREAM_PING_MS = 2_000;
export const STREAM_DEAD_MS = 40_000;
