/** The numbers of guest/PROTOCOL.md, version 1. Nothing else may stand in two places. */

/** The protocol versions this host speaks, lowest and highest. */
export const PROTOCOL_LOW = 1;
export const PROTOCOL_HIGH = 1;

/** PROTOCOL.md §1: frame layout. */
export const MAGIC = Buffer.from([0xf5, 0x47, 0x57, 0x31]);
export const HEADER_BYTES = 24;
export const HEADER_CHECK_OFFSET = 20;
export const PAYLOAD_CHECK_BYTES = 4;
/** No reader accepts more; bounds what a corrupt length can make us wait for. */
export const MAX_FRAME_PAYLOAD = 1 << 20;
/** Every reader accepts this much, whatever it announces. */
export const MIN_FRAME_LIMIT = 16_384;
/** PROTOCOL.md §2. */
export const MAX_TEXT_BYTES = 16_384;

export const FrameType = {
  HELLO: 0x01,
  WELCOME: 0x02,
  ACK: 0x03,
  PING: 0x04,
  PONG: 0x05,
  RESET: 0x06,
  HERE: 0x07,
  CONTROL: 0x10,
  DATA: 0x11,
  COPY: 0x12,
  LANE: 0x13,
} as const;
/** Types with this bit are numbered and acknowledged. */
export const RELIABLE_BIT = 0x10;

/** Flag of CONTROL and DATA: acknowledge at once. */
export const FLAG_ASK = 0x01;
/** Flag of DATA: the bytes belong to the put's compressed stream (§6). */
export const FLAG_ENCODED = 0x02;
/** Flag of ACK: a frame later than `next` has arrived. */
export const FLAG_GAP = 0x01;

/** Bytes of a DATA payload before the file's bytes: the u64 offset. */
export const DATA_OFFSET_BYTES = 8;

/** §6, `signature`: Adler-32 and the beginning of the SHA-256 of one block. */
export const SIGNATURE_ENTRY_BYTES = 12;
/** §6: a receiver refuses to tell of more blocks. */
export const MAX_SIGNATURE_BLOCKS = 262_144;
/** Bytes of one range in a COPY payload: u64 from, u32 length. */
export const COPY_RANGE_BYTES = 12;
/** Bytes of a LANE payload before the payload inside: u32 number, u8 type. */
export const LANE_HEAD_BYTES = 5;
/** §6: a lane is lost when it has been silent so long while another has answered so lately. */
export const LANE_LOST_MS = 2_500;
export const LANE_ANSWER_MS = 1_250;

/** §6, `bundle`: u16 name length, u16 mode, u32 size, u64 mtime. */
export const BUNDLE_HEADER_BYTES = 16;
/** §6: a receiver refuses a stream of more bytes, or of more records. */
export const MAX_BUNDLE_BYTES = 1 << 20;
export const MAX_BUNDLE_RECORDS = 1_024;
/** §6: in the place of a mode or an mtime that is not sent. */
export const NO_BUNDLE_MODE = 0xffff;
export const NO_BUNDLE_MTIME = 0xffff_ffff_ffff_ffffn;

/** §1 rule 4: an incomplete frame this long without a byte is given up. */
export const RESYNC_MS = 400;
/** §3.1: longer than RESYNC_MS, or a HELLO could keep a half frame waiting for ever. */
export const HELLO_INTERVAL_MS = 800;
/** §3, Knocking: what a knock begins with, and how long is listened before it. */
export const KNOCK_MARK = '4757';
export const LISTEN_MS = 100;
/** §3: without an answer a knock is erased after this, and repeated after that. Longer than RESYNC_MS, as for HELLO. */
export const ERASE_MS = 300;
export const KNOCK_INTERVAL_MS = 800;
/** §4 Probe. */
export const PROBE_MS = 600;
/** §3.5: silence after which a waiting side asks, and after which it gives up. */
export const QUERY_MS = 1_000;
export const LOST_MS = 8_000;
/** §3.5: an idle host says this often that it is there. */
export const IDLE_PING_MS = 10_000;

/** What this host takes from a receiver: answers are short, so this is generous. */
export const HOST_FRAME_LIMIT = 65_536;
export const HOST_WINDOW = 1 << 20;
/** A window above this would only fill the host's memory with unacknowledged frames. */
export const MAX_PEER_WINDOW = 8 << 20;
/** As many requests at once as a stream number can tell apart is absurd; this many is plenty. */
export const MAX_STREAMS = 1_024;
