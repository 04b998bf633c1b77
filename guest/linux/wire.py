"""The protocol's numbers (PROTOCOL.md), and the bounds this receiver sets itself."""

import struct

VERSION = '@VERSION@'                       # set by assemble.mjs, from package.json
PROTOCOL_LOW = PROTOCOL_HIGH = 1

MAGIC = b'\xf5GW1'
HEADER = struct.Struct('>4sBBHIII')         # magic type flags stream session sequence length
U32 = struct.Struct('>I')
ACK_BODY = struct.Struct('>II')             # next, window
PONG_BODY = struct.Struct('>III')           # id, next, window
OFFSET = struct.Struct('>Q')
COPY_RANGE = struct.Struct('>QI')           # from, length
LANE_HEAD = struct.Struct('>IB')            # number, type
SIGNATURE_ENTRY = struct.Struct('>I8s')     # Adler-32, beginning of the SHA-256
RECORD = struct.Struct('>HHIQ')             # of a bundle: bytes of the name, mode, size, mtime
HEADER_BYTES = HEADER.size + 4
OVERHEAD = HEADER_BYTES + 4

HELLO, WELCOME, ACK, PING, PONG, RESET, HERE = 1, 2, 3, 4, 5, 6, 7
CONTROL, DATA, COPY, LANE = 0x10, 0x11, 0x12, 0x13
RELIABLE = 0x10                             # this bit of the type
FLAG_GAP = 1                                # of ACK
FLAG_ASK = 1                                # of CONTROL, DATA and COPY
FLAG_ENCODED = 2                            # of DATA

KNOCK = b'4757'                             # begins one: section 3
KNOCK_BYTES = 24                            # with the nonce and the check, ten digits each
U32_MAX = (1 << 32) - 1

TEXT_MAX = 16384                            # section 2
FRAME_MIN = 16384                           # what every reader accepts
WINDOW_MAX = 1 << 20                        # of a host's window we make use of this much
IDLE_S = 0.4                                # section 1, rule 4
PROBE_S = 0.6                               # section 4
SESSION_S = 30.0                            # section 3.5
UNKNOWN_S = 0.5                             # section 3.4
STREAMS = 16
CAPABILITIES = 'symlink,mode,mtime,deflate,delta,resume,unchanged,bundle'  # and zstd and lanes, where they can be had

# section 6
BLOCK_MIN, BLOCK_MAX = 512, 1 << 22         # of a signature
BLOCKS_MAX = 1 << 18
PARTIAL_MIN = 65536                         # bytes that are worth keeping
PARTIAL_S = 7 * 86400.0                     # and for so long
ZSTD_WINDOW_LOG_MAX = 23                    # 8 MiB
BUNDLE_MAX = 1 << 20                        # bytes of a bundle's stream
RECORDS_MAX = 1024
NO_MODE, NO_MTIME = 0xffff, (1 << 64) - 1
SENDING = ('put', 'bundle', 'compare')      # verbs that DATA and `commit` follow
LANES_MAX = 7                               # that join one session
LANE_WINDOWS = LANES_MAX + 1                # of frames waiting for an earlier one

#         device     frame   window   (section 7)
DEVICES = {
    'uart': (4096, 32768),
    'console': (65536, 196608),
    'channel': (262144, 4194304),
    'pty': (4096, 32768),
    'other': (4096, 32768),
}

REPLIES_MAX = 1024          # unacknowledged replies; beyond it no further frame is taken
PENDING_MAX = 8             # sessions that were welcomed but have not spoken yet
OUT_MAX = 65536             # bytes waiting for a line that takes none: then ACK, PONG are left out
SYMLINKS_MAX = 40           # as in Linux
DEPTH_MAX = 256             # directories held open during a walk below --root
DEVICE_WAIT_S = 30.0        # a character device that takes nothing for so long is an error
SWEPT_MAX = 4096            # directories remembered as free of orphans
FINISHERS = 4
SMALL = 65536               # files up to here are flushed and named many at a time
LAST_DIRECTORY_S = 1.0      # a directory is held open so long for the next file in it
HOLD_S = 0.02               # so long the port may be left alone while small frames are worked at
STEP = 1 << 18              # bytes read, decoded or copied before anything else is looked at
SIGNATURE_QUEUE_MAX = 1 << 20   # bytes of replies not yet acknowledged: then a signature waits
SIGNATURE_FRAME_MIN = 512   # however little a host says it takes
GROUP = 128                 # files of a bundle that are open at once, to be flushed one behind the other
GROUP_DIRECTORIES = 64      # and directories


def has_lanes(device):
    return DEVICES[device][0] < FRAME_MIN
