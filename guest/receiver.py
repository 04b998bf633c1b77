#!/usr/bin/env python3
"""Guestwire receiver: writes the files a host sends over a serial port,
a virtio console or a virtio channel.

    receiver.py [PORT...] [--root DIR] [--read-only] [--log-level LEVEL]

Needs Python 3.6 or later and nothing but its standard library; one file, so
that it can be pasted into a guest that has no network.  What goes over the
line is described in PROTOCOL.md, whose section numbers the comments cite.

Threads of one port, and who may touch what:

    port thread    the device, the parser, Session's numbers and clocks; it
                   never touches a disk, so a PING is answered in time
    worker thread  requests in the order of their frames: walks paths, opens
                   and writes files, decodes, copies from a basis, hashes
                   what passes
    finishers      up to four, for what may take long: flush and rename of a
                   commit, the hash of a stat or of a partial file, signatures
"""

import argparse
import collections
import errno
import fcntl
import hashlib
import os
import pwd
import re
import select
import signal
import stat
import struct
import sys
import termios
import threading
import time
import zlib

VERSION = '0.1.0'
PROTOCOL_LOW = PROTOCOL_HIGH = 1

# ---------------------------------------------------------------------------
# Constants of the protocol
# ---------------------------------------------------------------------------

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

HELLO, WELCOME, ACK, PING, PONG, RESET = 1, 2, 3, 4, 5, 6
CONTROL, DATA, COPY, LANE = 0x10, 0x11, 0x12, 0x13
RELIABLE = 0x10                             # this bit of the type
FLAG_GAP = 1                                # of ACK
FLAG_ASK = 1                                # of CONTROL, DATA and COPY
FLAG_ENCODED = 2                            # of DATA

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

TEMPORARY = re.compile(br'\.guestwire-[0-9a-f]{8}\.part\Z')
PARTIAL = re.compile(br'\.guestwire-[0-9a-f]{8}\.partial\Z')

# ---------------------------------------------------------------------------
# Log: what a peer says is never written raw to somebody's terminal
# ---------------------------------------------------------------------------

LEVELS = ('error', 'warning', 'info', 'debug')


class Log:
    def __init__(self, level='warning'):
        self.level = LEVELS.index(level)
        self.muted = False

    def write(self, text):
        try:
            os.write(2, (printable(text) + '\n').encode('ascii'))
        except OSError:
            pass                            # nobody listens: no reason to stop serving

    def say(self, level, text):
        if LEVELS.index(level) <= self.level and not self.muted:
            self.write('receiver: %s: %s' % (level, text))

    def error(self, text):
        self.say('error', text)

    def warning(self, text):
        self.say('warning', text)

    def info(self, text):
        self.say('info', text)

    def debug(self, text):
        self.say('debug', text)


def printable(text):
    """ASCII without control characters; everything else is escaped."""
    if isinstance(text, bytes):
        text = text.decode('utf-8', 'surrogateescape')
    return ''.join(c if ' ' <= c <= '~' else ascii(c)[1:-1] for c in text)


log = Log()

# ---------------------------------------------------------------------------
# Text payloads (section 2 of the protocol)
# ---------------------------------------------------------------------------

TEXT_LINE = re.compile(br'([a-z0-9-]+)=([!-$&-~]*(?:%[0-9A-Fa-f]{2}[!-$&-~]*)*)\Z')
TEXT_VERB = re.compile(br'[a-z0-9-]+\Z')
ESCAPED = re.compile(br'%([0-9A-Fa-f]{2})')
TO_ESCAPE = re.compile(br'[^!-$&-~]')


class BadText(ValueError):
    pass


def read_text(payload):
    """(verb, {key: bytes}) of a text payload; BadText if it is invalid."""
    if len(payload) > TEXT_MAX:
        raise BadText('text of more than %d bytes' % TEXT_MAX)
    lines = bytes(payload).split(b'\n')
    if lines.pop() != b'':
        raise BadText('last line without LF')
    if not lines or not TEXT_VERB.match(lines[0]):
        raise BadText('invalid verb')
    fields = {}
    for line in lines[1:]:
        match = TEXT_LINE.match(line)
        if not match:
            raise BadText('invalid line')
        key, value = match.groups()
        key = key.decode('ascii')
        if key in fields:
            raise BadText('key %s given twice' % key)
        if b'%' in value:
            value = ESCAPED.sub(lambda m: bytes((int(m.group(1), 16),)), value)
        fields[key] = value
    return lines[0].decode('ascii'), fields


def write_text(verb, fields):
    """The payload for a verb and (key, value) pairs; values are str, int or bytes."""
    out = [verb.encode('ascii')]
    for key, value in fields:
        if not isinstance(value, bytes):
            value = str(value).encode('utf-8', 'surrogateescape')
        if TO_ESCAPE.search(value):
            value = TO_ESCAPE.sub(lambda m: b'%%%02X' % m.group(0)[0], value)
        out.append(key.encode('ascii') + b'=' + value)
    out.append(b'')
    return b'\n'.join(out)

# ---------------------------------------------------------------------------
# Frames (section 1)
# ---------------------------------------------------------------------------


Frame = collections.namedtuple('Frame', 'type flags stream session sequence payload chunk')


def encode(kind, flags, stream, session, sequence, payload=b''):
    head = HEADER.pack(MAGIC, kind, flags, stream, session, sequence, len(payload))
    head += U32.pack(zlib.crc32(head))
    if not payload:
        return head
    return head + payload + U32.pack(zlib.crc32(payload))


class Chunk:
    """A buffer frames are read into.  The port thread counts what it lends
    out, the worker what it gives back: one writer each, so no lock."""

    __slots__ = ('data', 'view', 'lent', 'returned')

    def __init__(self, size):
        self.data = bytearray(size)
        self.view = memoryview(self.data)
        self.lent = self.returned = 0


class Parser:
    """Finds frames in a stream with noise.  Bytes go into `space()` and are
    reported by `filled(n)`; `frames()` yields what is whole.  Payloads are
    views into the chunk, valid until the next `space()` unless lent."""

    def __init__(self, limit, read_bytes=0):
        self.limit = max(limit, FRAME_MIN)
        self._read = max(read_bytes, 4096)
        self._size = max(3 * (self.limit + OVERHEAD), 2 * self._read) + self._read
        self._chunk = Chunk(self._size)
        self._pool = []
        self._start = self._end = 0
        self._need = 1                      # bytes from _start before looking again
        self.dropped = 0

    @property
    def kept(self):
        return self._end - self._start

    @property
    def missing(self):
        """How many more bytes make the frame begun whole."""
        return self._need - self.kept if self.kept else 0

    @property
    def worth_a_look(self):
        """False while frames() could yield nothing."""
        return self._end - self._start >= self._need

    def clear(self):
        self.dropped += self.kept
        self._start = self._end = 0
        self._need = 1

    def space(self):
        if self._size - self._end < self._read or self._size - self._start < self._need:
            self._turn_over()
        elif self._start == self._end and self._chunk.lent == self._chunk.returned:
            self._start = self._end = 0     # all used: begin again where the cache is warm
        return self._chunk.view[self._end:]

    def _turn_over(self):
        old, start, end = self._chunk, self._start, self._end
        kept = end - start
        new = old if old.lent == old.returned else self._spare()
        if new is old and kept > start:     # would overlap: copy by way of bytes
            new.data[:kept] = bytes(old.view[start:end])
        else:
            new.view[:kept] = old.view[start:end]
        if new is not old:
            self._pool.append(old)
            self._chunk = new
        self._start, self._end = 0, kept

    def _spare(self):
        for index, chunk in enumerate(self._pool):
            if chunk.lent == chunk.returned:
                return self._pool.pop(index)
        return Chunk(self._size)

    def filled(self, count):
        self._end += count

    def idle(self):
        """Rule 4: 400 ms passed without a byte while something is kept."""
        if self.kept:
            self._drop(1)
            self._need = 0

    def _drop(self, count):
        self._start += count
        self.dropped += count

    def frames(self):
        while self.kept >= self._need:
            if not self._find_magic():
                self._need = self.kept + 1
                return
            if self.kept < HEADER_BYTES:
                self._need = HEADER_BYTES
                return
            frame = self._frame()
            if frame is not None:
                yield frame
            elif self._need:
                return

    def _find_magic(self):
        data = self._chunk.data
        at = data.find(MAGIC, self._start, self._end)
        if at < 0:
            at = self._end                  # keep what may begin a magic
            for length in (3, 2, 1):
                if self.kept >= length and data.endswith(MAGIC[:length], self._start, self._end):
                    at -= length
                    break
            self._drop(at - self._start)
            return False
        self._drop(at - self._start)
        return True

    def _frame(self):
        """The frame at _start, or None: then _need says how many bytes it
        takes, 0 meaning that something was dropped and to look again."""
        chunk, start = self._chunk, self._start
        view = chunk.view
        _, kind, flags, stream, session, sequence, length = HEADER.unpack_from(view, start)
        check = U32.unpack_from(view, start + HEADER.size)[0]
        if zlib.crc32(view[start:start + HEADER.size]) != check or length > self.limit:
            self._drop(1)
            self._need = 0
            return None
        total = HEADER_BYTES + length + 4 if length else HEADER_BYTES
        if self.kept < total:
            self._need = total
            return None
        payload = view[start + HEADER_BYTES:start + HEADER_BYTES + length]
        if length and zlib.crc32(payload) != U32.unpack_from(view, start + total - 4)[0]:
            self._drop(HEADER_BYTES)
            self._need = 0
            return None
        self._start += total
        self._need = 1
        return Frame(kind, flags, stream, session, sequence, payload, chunk)

# ---------------------------------------------------------------------------
# The two halves of the reliable stream (section 4)
# ---------------------------------------------------------------------------


class ReliableReader:
    """Says which frames to take and when to acknowledge.  `give_back` may be
    called from any thread, everything else belongs to the port thread."""

    def __init__(self, window, frame):
        self.window = window
        self.next = 0
        self.arrived = 0                    # bytes of frames taken
        self.given_back = 0                 # bytes of them no longer held
        self._giving_back = threading.Lock()    # a lane has two workers
        self.acknowledged = 0               # given_back at the last ACK
        self._hold_max = 2 * window + frame + OVERHEAD
        self._gap_told = False
        self._gap_due = False
        self._ask_due = False

    @property
    def held(self):
        return self.arrived - self.given_back

    def offer(self, sequence, size, ask):
        """True if the frame is the expected one and there is room for it."""
        if sequence < self.next:
            self._ask_due = True
            return False
        if sequence > self.next:
            if not self._gap_told:
                self._gap_told = self._gap_due = True
            return False
        if self.held + size > self._hold_max:
            return False                    # a sender that ignores the window: as if lost
        self.next += 1
        self.arrived += size
        self._gap_told = self._gap_due = False
        self._ask_due = self._ask_due or ask
        return True

    def give_back(self, size):
        with self._giving_back:
            self.given_back += size

    def room_grew(self):
        """A quarter of the window was given back since the last ACK."""
        return self.given_back - self.acknowledged >= self.window // 4

    def ack(self):
        """(flags, next, window) if an ACK is due, else None."""
        if not (self._ask_due or self._gap_due or self.room_grew()):
            return None
        flags = FLAG_GAP if self._gap_due else 0
        return (flags,) + self.told()

    def told(self):
        """What ACK and PONG carry; the caller sends it now."""
        self._ask_due = self._gap_due = False
        self.acknowledged = self.given_back
        return self.next, max(0, self.window - self.held)


class ReliableSender:
    """Keeps frames until they are acknowledged; sends again only what is
    proven to be lost."""

    def __init__(self, session, window):
        self.session = session
        self.window = window
        self.base = 0                       # sequence of frames[0]
        self.frames = collections.deque()   # (kind, stream, payload, size)
        self.bytes_done = 0                 # of frames that were acknowledged
        self._under_way = 0                 # so many of them
        self._bytes_under_way = 0
        self._progress = 0.0
        self._pings = collections.OrderedDict()     # id -> sequence after the last one sent before
        self._ping_id = 0
        self._ping_at = -PROBE_S

    def add(self, kind, stream, payload, now):
        if not self.frames:
            self._progress = now
        self.frames.append((kind, stream, payload, len(payload) + OVERHEAD))

    @property
    def sent(self):
        """Sequence after the last frame sent."""
        return self.base + self._under_way

    def _fits(self, size):
        if self._under_way == 0:
            return self.window > 0
        return self._bytes_under_way + size <= self.window

    def pump(self):
        """The encoded frames that may go now; the last one has ASK."""
        first = self._under_way
        while self._under_way < len(self.frames) and self._fits(self.frames[self._under_way][3]):
            self._bytes_under_way += self.frames[self._under_way][3]
            self._under_way += 1
        out = []
        for index in range(first, self._under_way):
            kind, stream, payload, _ = self.frames[index]
            flags = FLAG_ASK if index == self._under_way - 1 else 0
            out.append(encode(kind, flags, stream, self.session, self.base + index, payload))
        return out

    def acknowledged(self, upto, window, now):
        """False if the number is impossible."""
        if not self.base <= upto <= self.sent:
            return self.base > upto         # an old one is no offence
        self.window = min(window, WINDOW_MAX)
        if upto > self.base:
            self._progress = now
        for _ in range(upto - self.base):
            size = self.frames.popleft()[3]
            self.bytes_done += size
            self._bytes_under_way -= size
            self._under_way -= 1
        self.base = upto
        return True

    def gap(self):
        self._under_way = self._bytes_under_way = 0
        self._pings.clear()                 # what they would prove is being mended

    def pong(self, ping_id, upto):
        sent_before = self._pings.pop(ping_id, 0)
        if upto == self.base and upto < sent_before:
            self.gap()

    def deadline(self):
        if not self.frames:
            return None
        return max(self._progress, self._ping_at) + PROBE_S

    def probe(self, now):
        """The number of a PING to send now, or None."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return None
        self._ping_at = now
        self._ping_id += 1
        self._pings[self._ping_id] = self.sent
        while len(self._pings) > 16:
            self._pings.popitem(last=False)
        return self._ping_id

# ---------------------------------------------------------------------------
# Errors (section 5)
# ---------------------------------------------------------------------------

ERRNO_CODES = {
    errno.ENOENT: 'no-directory', errno.ENOTDIR: 'not-a-directory', errno.EISDIR: 'is-directory',
    errno.EACCES: 'permission', errno.EPERM: 'permission', errno.EROFS: 'read-only-filesystem',
    errno.EEXIST: 'exists', errno.ENOSPC: 'no-space', errno.EDQUOT: 'quota',
    errno.EFBIG: 'too-large', errno.ENAMETOOLONG: 'name-too-long',
    errno.EILSEQ: 'bad-name', errno.EINVAL: 'bad-name', errno.ETXTBSY: 'sharing',
}


class Refused(Exception):
    """A request that ends in `error`."""

    def __init__(self, code, message, path=None, number=None, extra=()):
        Exception.__init__(self, message)
        self.code, self.message, self.path, self.number = code, message, path, number
        self.extra = extra

    def fields(self):
        out = [('code', self.code), ('message', self.message)]
        if self.path is not None:
            out.append(('path', self.path))
        if self.number in errno.errorcode:
            out.append(('errno', errno.errorcode[self.number]))
        return out + list(self.extra)


def refused(error, path, writing=False):
    """The Refused for an OSError.  EINVAL is a bad name only where a name is
    used: from a write it is an error of the device."""
    code = ERRNO_CODES.get(error.errno, 'io')
    if writing and code in ('bad-name', 'exists', 'no-directory'):
        code = 'io'
    return Refused(code, os.strerror(error.errno) if error.errno else str(error), path, error.errno)

# ---------------------------------------------------------------------------
# Paths: walked one component at a time with directory descriptors, so
#    that no "..", no symbolic link and no directory replaced in between
#    leads out of the root
# ---------------------------------------------------------------------------

# O_PATH needs only the search permission; other systems must read the directory
DIRECTORY = getattr(os, 'O_PATH', os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Location:
    """A name in an open directory.  `name` is b'.' for the directory itself
    (a path that ends in "/", or the root)."""

    def __init__(self, directory, name, path):
        self.directory, self.name, self.path = directory, name, path

    def close(self):
        if self.directory >= 0:
            os.close(self.directory)
            self.directory = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def lstat(self):
        """stat of the name itself, None if there is none."""
        try:
            return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refused(error, self.path)

    def renamed(self, name):
        return Location(os.dup(self.directory), name, os.path.join(os.path.dirname(self.path), name))

    def identity(self):
        """Of the directory."""
        found = os.fstat(self.directory)
        return found.st_dev, found.st_ino

    def flush_directory(self):
        """None, or the Refused that tells why it could not be."""
        try:
            fd = os.open(b'.', os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.directory)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as error:
            if error.errno in (errno.EIO, errno.ENOSPC, errno.EDQUOT):
                return refused(error, self.path)
            log.debug('flushing a directory: %s' % error)
        return None


class Root:
    """The directory relative paths begin at and, if `confined`, the one
    outside which nothing is touched."""

    def __init__(self, path=None):
        self.confined = path is not None
        self.path = os.fsencode(os.path.realpath(path if self.confined else '.'))
        self.fd = os.open(self.path, DIRECTORY)
        self.home = os.fsencode(os.path.expanduser('~'))
        found = os.fstat(self.fd)
        self.identity = (found.st_dev, found.st_ino)

    def locate(self, path, follow=False):
        """The Location of a path as a host writes it; Refused if it cannot
        be reached.  `follow`: also follow a symbolic link at its end."""
        if not path:
            raise Refused('bad-request', 'empty path')
        if b'\0' in path:
            raise Refused('bad-name', 'NUL in a path', path)
        walk = Walk(self, self._at_home(path))
        try:
            return walk.run(follow)
        finally:
            walk.close()

    def _at_home(self, path):
        return self.home + path[1:] if path.startswith(b'~/') else path

    def in_full(self, path):
        """Its words from "/" on; nothing is looked up."""
        return os.path.join(self.path, self._at_home(path))


class LastDirectory:
    """The directory that the last path led to, so that the files of one are
    not walked to one by one.  It serves again only for the same words, for a
    second, and while the kernel says that it still has the name it had: a
    directory that was moved, removed or replaced on the way is walked to
    anew.  Only a path without any symbolic link or ".." is kept, since no
    such name tells where a link leads by now."""

    def __init__(self, root):
        self.root = root
        self.until = None                   # when the descriptor is to be closed
        self._fd, self._words, self._name = -1, None, None

    def forget(self):
        """Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._words, self.until = -1, None, None

    def locate(self, path):
        """Like Root.locate without `follow`."""
        words, _, name = path.rpartition(b'/')
        if words != self._words or name in (b'', b'.', b'..') or b'\0' in name or not self._stands():
            self.forget()
            place = self.root.locate(path)
            self._keep(place, words)
            return place
        return Location(os.dup(self._fd), name, os.path.join(self._name, name))

    def _stands(self):
        until = self.until                  # the port thread takes it away when it is over
        return (until is not None and time.monotonic() < until and name_of(self._fd) == self._name
                and (not self.root.confined or name_of(self.root.fd) == self.root.path))

    def _keep(self, place, words):
        name = name_of(place.directory)
        if not words or name is None or name != self.root.in_full(words):
            return
        self._fd, self._words, self._name = os.dup(place.directory), words, name
        self.until = time.monotonic() + LAST_DIRECTORY_S


def name_of(directory):
    """Where the kernel says that an open directory is, None if it does not."""
    try:
        return os.readlink(b'/proc/self/fd/%d' % directory)
    except OSError:
        return None


class Walk:
    def __init__(self, root, path):
        self.root, self.path = root, path
        self.stack = []                     # descriptors, the last is where we are
        self.labels = []                    # the name each was entered by; [0] is a whole path
        self.inside = None                  # index in stack of the root once it was entered
        self.links = 0
        self.pending = []                   # components still to go, the next one last

    def close(self):
        while self.stack:
            os.close(self.stack.pop())

    def run(self, follow):
        try:
            self._begin(self.path)
            return self._walk(follow)
        except OSError as error:
            if self._outside():             # what is out there is not told
                raise self._escape()
            raise refused(error, self.path)

    def _escape(self):
        return Refused('outside-root', "the path leads out of the receiver's root", self.path)

    def _outside(self):
        return self.root.confined and self.inside is None

    def _begin(self, path):
        if path.startswith(b'/'):
            self.close()
            self.labels, self.inside = [], None
            self._push(os.open(b'/', DIRECTORY), b'/')
        elif not self.stack:
            self._push(os.dup(self.root.fd), self.root.path)
        self._expand(path)

    def _expand(self, path):
        parts = [p for p in path.split(b'/') if p not in (b'', b'.')]
        if path.endswith((b'/', b'/.')) or path == b'.':
            parts.append(b'.')              # it must be a directory
        self.pending.extend(reversed(parts))

    def _push(self, fd, label):
        self.stack.append(fd)
        self.labels.append(label)
        if not self.root.confined:          # the kernel's own ".." will do: hold one only
            while len(self.stack) > 1:
                os.close(self.stack.pop(0))
        elif len(self.stack) > DEPTH_MAX:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        elif self.inside is None:
            found = os.fstat(fd)
            if (found.st_dev, found.st_ino) == self.root.identity:
                self.inside = len(self.stack) - 1

    def _up(self):
        if not self.root.confined:
            self._push(os.open(b'..', DIRECTORY, dir_fd=self.stack[-1]), b'')
            self.labels.pop()
            if len(self.labels) > 1:
                self.labels.pop()
            else:
                self.labels[0] = os.path.dirname(self.labels[0])
        elif len(self.stack) > 1:           # back to the very directory we came from
            os.close(self.stack.pop())
            self.labels.pop()
            if self.inside is not None and self.inside >= len(self.stack):
                self.inside = None
        elif self.labels[0] != b'/':
            raise self._escape()

    def _walk(self, follow):
        while self.pending:
            name = self.pending.pop()
            if name == b'..':
                self._up()
            elif name == b'.':
                pass
            elif self.pending:
                self._enter(name)
            elif follow and self._follow(name):
                pass
            elif self._outside():
                self._enter(name)           # allowed only if it is the root itself
            else:
                return self._found(name)
        return self._found(b'.')

    def _found(self, name):
        if self._outside():
            raise self._escape()
        path = os.path.join(self.labels[0], *self.labels[1:])
        if name != b'.':
            path = os.path.join(path, name)
        return Location(os.dup(self.stack[-1]), name, path)

    def _enter(self, name):
        try:
            fd = os.open(name, DIRECTORY, dir_fd=self.stack[-1])
        except OSError as error:
            # ENOTDIR or ELOOP, depending on the system: perhaps a symbolic link
            if error.errno not in (errno.ENOTDIR, errno.ELOOP) or not self._follow(name):
                raise
            return
        self._push(fd, name)

    def _follow(self, name):
        """Puts the target of a symbolic link in front of what is to walk."""
        try:
            target = os.readlink(name, dir_fd=self.stack[-1])
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return False
            raise
        self.links += 1
        if self.links > SYMLINKS_MAX:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self._begin(target)
        return True

# ---------------------------------------------------------------------------
# Arguments of requests
# ---------------------------------------------------------------------------

NUMBER = re.compile(br'[0-9]{1,19}\Z')
OCTAL = re.compile(br'[0-7]{1,7}\Z')
TIME = re.compile(br'(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?\Z')
SHA256 = re.compile(br'[0-9a-f]{64}\Z')
SESSION = re.compile(br'[0-9a-f]{8}\Z')
CONFLICTS = (b'fail', b'overwrite', b'skip', b'newer', b'rename')


def argument_of(fields, key, pattern, convert, required):
    value = fields.get(key)
    if value is None:
        if required:
            raise Refused('bad-request', '%s is missing' % key)
        return None
    match = pattern.match(value)
    if not match:
        raise Refused('bad-request', '%s is invalid' % key)
    return convert(match)


def number_of(fields, key, required=False):
    return argument_of(fields, key, NUMBER, lambda m: int(m.group()), required)


def mode_of(fields):
    return argument_of(fields, 'mode', OCTAL, lambda m: int(m.group(), 8), False)


def mtime_of(fields):
    """Nanoseconds since 1970."""
    def convert(match):
        sign, whole, fraction = match.groups()
        value = int(whole) * 10 ** 9 + int((fraction or b'').ljust(9, b'0'))
        return -value if sign else value
    return argument_of(fields, 'mtime', TIME, convert, False)


def conflict_of(fields):
    value = fields.get('conflict', b'fail')
    if value not in CONFLICTS:
        raise Refused('unsupported', 'conflict policy unknown')
    return value.decode('ascii')


def sha256_of(fields):
    return argument_of(fields, 'sha256', SHA256, lambda m: m.group(), True)


def session_of(fields):
    match = SESSION.match(fields.get('session', b''))
    if not match:
        raise Refused('bad-request', 'session is missing or no number')
    return int(match.group(), 16)


class PutOptions:
    """What a put or a bundle says of itself, but for the path."""

    def __init__(self, conflict, size, mode=None, mtime=None, skips_unchanged=False, encoding=None,
                 wants_basis=False, resumes=False):
        self.conflict, self.size, self.mode, self.mtime = conflict, size, mode, mtime
        self.skips_unchanged = skips_unchanged
        self.encoding = encoding            # class of the decoder
        self.wants_basis, self.resumes = wants_basis, resumes


def put_options(fields, decoders):
    return PutOptions(conflict_of(fields), number_of(fields, 'size'), mode_of(fields), mtime_of(fields),
                      option_of(fields, 'unchanged', b'skip'), decoders.of(fields),
                      yes(fields, 'basis'), yes(fields, 'resume'))


def option_of(fields, key, only):
    """Whether a key is given that so far has one value."""
    if key in fields and fields[key] != only:
        raise Refused('unsupported', '%s unknown' % key)
    return key in fields


def yes(fields, key):
    return fields.get(key) == b'1'


def time_text(nanoseconds):
    sign = '-' if nanoseconds < 0 else ''
    whole, fraction = divmod(abs(nanoseconds), 10 ** 9)
    return ('%s%d.%09d' % (sign, whole, fraction)).rstrip('0').rstrip('.')


def kind_of(found):
    """The `type` of stat."""
    if found is None:
        return 'none'
    for test, kind in ((stat.S_ISREG, 'file'), (stat.S_ISDIR, 'directory'),
                       (stat.S_ISLNK, 'symlink'), (stat.S_ISCHR, 'device')):
        if test(found.st_mode):
            return kind
    return 'special'


def set_times(target, nanoseconds, path, **where):
    try:
        os.utime(target, ns=(nanoseconds, nanoseconds), **where)
    except OverflowError:
        raise Refused('bad-request', 'mtime is out of range', path)

# ---------------------------------------------------------------------------
# A put: temporary file, hash on the way, flush, rename
# ---------------------------------------------------------------------------


class Leftovers:
    """Temporary files that exist now, so that the end of the program can
    remove them (or leave a partial file) even if a worker hangs on its disk."""

    def __init__(self):
        self._lock = threading.Lock()
        self._files = {}

    def add(self, put):
        with self._lock:
            self._files[put] = (put.place.directory, put.temporary)

    def forget(self, put):
        with self._lock:
            self._files.pop(put, None)

    def remove_all(self):
        with self._lock:
            for put, (directory, name) in self._files.items():
                try:
                    if not put.stays():
                        os.unlink(name, dir_fd=directory)
                except OSError:
                    pass
            self._files.clear()


def temporary_name():
    return b'.guestwire-' + os.urandom(4).hex().encode('ascii') + b'.part'


def partial_name(name):
    """Where a put of this name can be gone on with."""
    return b'.guestwire-' + hashlib.sha256(name).hexdigest()[:8].encode('ascii') + b'.partial'


def numbered(name, number):
    """`name (2).ext`; a leading dot does not begin an extension."""
    dot = name.rfind(b'.')
    if dot <= 0:
        dot = len(name)
    return name[:dot] + b' (%d)' % number + name[dot:]


def free_name(place, first=2):
    """A Location beside `place` with a numbered name that is not taken."""
    for number in range(first, 100000):
        candidate = place.renamed(numbered(place.name, number))
        try:
            if candidate.lstat() is None:
                return candidate
        except Refused:
            candidate.close()
            raise
        candidate.close()
    raise Refused('exists', 'too many names are taken', place.path)


def sweep_orphans(place):
    """Removes temporary files whose receiver is gone: nobody locks them.
    Partial files are left time to be gone on with."""
    try:
        fd = os.open(b'.', os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place.directory)
    except OSError:
        return
    try:
        for name in os.listdir(fd):
            name = os.fsencode(name)
            if TEMPORARY.match(name):
                remove_orphan(fd, name, 0.0)
            elif PARTIAL.match(name):
                remove_orphan(fd, name, PARTIAL_S)
    except OSError as error:
        log.debug('looking for orphans: %s' % error)
    finally:
        os.close(fd)


def has_name(fd, name, directory):
    """False if nothing has that name by now, or something else."""
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return found.st_ino == os.fstat(fd).st_ino


def remove_orphan(directory, name, age_s):
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode) or (age_s and time.time() - found.st_mtime < age_s):
            return
        fd = os.open(name, flags, dir_fd=directory)
    except OSError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # another sweep may have been faster, and the name be that of a new partial file
        if has_name(fd, name, directory):
            os.unlink(name, dir_fd=directory)
            log.info('removed the orphan %s' % printable(name))
    except OSError:
        pass                                # locked: its receiver lives
    finally:
        os.close(fd)


class BadData(Exception):
    """Bytes with ENCODED that are not of the put's encoding."""


class Inflate:
    """Raw DEFLATE with a window of 32 KiB.  Every decoder has what this has,
    and is of one put."""

    def __init__(self, size):
        self._stream = zlib.decompressobj(-15)

    def step(self, data):
        """At most STEP of the bytes that data makes, and what is to be given
        to the next step: None if that need be none."""
        if self._stream.eof:
            raise BadData('the DEFLATE stream ended')
        try:
            out = self._stream.decompress(data, STEP)
        except zlib.error as error:
            raise BadData('not DEFLATE: %s' % error)
        return out, self._stream.unconsumed_tail or (b'' if self._stream.eof else None)

    def close(self):
        self._stream = None


class PythonZstd:
    """zstd by Python's own module, which 3.14 brought."""

    def __init__(self, size):
        from compression import zstd
        self._zstd = zstd
        self._begin()

    def _begin(self):
        limit = {self._zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG_MAX}
        self._stream = self._zstd.ZstdDecompressor(options=limit)

    def step(self, data):
        try:
            out = self._stream.decompress(data, STEP)
        except self._zstd.ZstdError as error:
            raise BadData('not zstd: %s' % error)
        if self._stream.eof:                # of a frame; another may follow
            rest = self._stream.unused_data
            self._begin()
            return out, rest or None
        return out, None if self._stream.needs_input or not out else b''

    def close(self):
        self._stream = None


class LibraryZstd:
    """zstd by the library that dpkg, rpm, pacman and systemd need too, 1.4
    or later.  Importing ctypes takes long, so only who needs it does."""

    _library = None

    @classmethod
    def load(cls):
        import ctypes
        library, pointer, size = ctypes.CDLL('libzstd.so.1'), ctypes.c_void_p, ctypes.c_size_t

        class Buffer(ctypes.Structure):     # ZSTD_inBuffer and ZSTD_outBuffer of zstd.h
            _fields_ = [('bytes', pointer), ('size', size), ('used', size)]

        buffer = ctypes.POINTER(Buffer)
        for name, result, arguments in (
                ('createDCtx', pointer, []), ('freeDCtx', size, [pointer]),
                ('DCtx_setParameter', size, [pointer, ctypes.c_int, ctypes.c_int]),
                ('decompressStream', size, [pointer, buffer, buffer]),
                ('isError', ctypes.c_uint, [size]), ('getErrorName', ctypes.c_char_p, [size])):
            function = getattr(library, 'ZSTD_' + name)
            function.restype, function.argtypes = result, arguments
            setattr(library, name, function)
        cls._ctypes, cls._buffer_type, cls._library = ctypes, Buffer, library

    def __init__(self, size):
        if self._library is None:
            self.load()
        self._context = self._library.createDCtx()
        if not self._context:
            raise MemoryError('no memory for zstd')
        self._check(self._library.DCtx_setParameter(
            self._context, 100, ZSTD_WINDOW_LOG_MAX))       # ZSTD_d_windowLogMax
        # a byte more than there may be shows that there is more
        self._bytes = bytearray(STEP if size is None else min(STEP, size + 1))
        self._out = self._buffer_type(
            self._ctypes.addressof(self._ctypes.c_char.from_buffer(self._bytes)), len(self._bytes), 0)
        self._view = memoryview(self._bytes)

    def step(self, data):
        source = data if isinstance(data, bytes) else bytes(data)
        start = self._ctypes.cast(self._ctypes.c_char_p(source), self._ctypes.c_void_p)
        given = self._buffer_type(start, len(source), 0)
        self._out.used = 0
        self._check(self._library.decompressStream(self._context, self._out, given))
        is_more = given.used < given.size or self._out.used == self._out.size
        return self._view[:self._out.used], source[given.used:] if is_more else None

    def _check(self, result):
        if self._library.isError(result):
            raise BadData('not zstd: %s' % self._library.getErrorName(result).decode('ascii', 'replace'))

    def close(self):
        """Idempotent."""
        context, self._context = self._context, None
        if context:
            self._library.freeDCtx(context)


ZSTD_SAMPLE = b'\x28\xb5\x2f\xfd\x20\x04\x21\0\0zstd'  # a frame of one raw block


def can_decode(decoder):
    """Whether what it needs is there, and is what it is taken for."""
    try:
        tried = decoder(len(ZSTD_SAMPLE))
        out = bytes(tried.step(ZSTD_SAMPLE)[0])
        tried.close()
    except Exception as error:              # whatever an odd library leads to
        log.debug('%s: %s: %s' % (decoder.__name__, type(error).__name__, error))
        return False
    return out == b'zstd'


class Decoders:
    """By `encoding`.  What there is for zstd is looked for when the first
    host says hello."""

    def __init__(self):
        self._zstd = ()

    @property
    def zstd(self):
        """None if there is nothing."""
        if self._zstd == ():
            self._zstd = next(filter(can_decode, (PythonZstd, LibraryZstd)), None)
        return self._zstd

    def capabilities(self):
        return CAPABILITIES + ',zstd' if self.zstd else CAPABILITIES

    def of(self, fields):
        """The one a put asks for, or None."""
        name = fields.get('encoding')
        found = Inflate if name == b'deflate' else self.zstd if name == b'zstd' else None
        if name is not None and found is None:
            raise Refused('unsupported', 'encoding unknown')
        return found


# States of a put and of a bundle, as PROTOCOL.md (section 5) draws them
OPENED, PREPARING, RECEIVING, COMMITTING, OVER = 'opened', 'preparing', 'receiving', 'committing', 'over'

# What becomes of one that is cancelled, if it can be resumed at all
KEEP, DROP = 'keep', 'drop'


class IncomingStream:
    """The bytes of one put or bundle: checks that they come in order, decodes
    them, copies from a basis, hashes, and hands every piece to `store`.  Its
    errors name no path; whoever answers the request adds it.

    Only the worker touches it, but `stop` may be called from any thread."""

    def __init__(self, size, encoding, store, start_over=None):
        self.size = size                    # None: not told
        self.received = 0
        self.hash = hashlib.sha256()
        self.basis_size = None
        # KEEP or DROP once it has to leave off.  One attribute, so that another thread sees both
        # facts at once: assigning it is atomic under the GIL
        self.stopping = None
        self._store, self._start_over = store, start_over
        self._offered = False               # the host hasn't said yet if it resumes
        self._encoding = encoding
        self._decoder = None                # from the first encoded frame on
        self._piece = None                  # offset of the encoded frames that came last
        self._basis = -1
        self._buffer = None

    def stop(self, keep):
        """From any thread: whoever works at it leaves off at its next step."""
        self.stopping = KEEP if keep else DROP

    def stop_if_cancelled(self):
        if self.stopping is not None:
            raise Refused('cancelled', 'cancelled')

    def close(self):
        """Idempotent.  Lets go of `store`, whose owner holds us: no cycle is
        left that only the garbage collector could free."""
        self._store = self._start_over = None
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None
        if self._basis >= 0:
            os.close(self._basis)
            self._basis = -1

    # -- a partial file ------------------------------------------------------

    def offer(self, size):
        """So much is there already; the host decides whether it counts."""
        self.received = size
        self._offered = size > 0

    @property
    def is_offered(self):
        return self._offered and self.received > 0

    def hash_offered(self, fd):
        """SHA-256 of what is there; runs in a finisher."""
        buffer, size = bytearray(STEP), 0
        view = memoryview(buffer)
        try:
            while size < self.received:
                self.stop_if_cancelled()
                count = os.readv(fd, [view[:self.received - size]])
                if not count:
                    break
                self.hash.update(view[:count])
                size += count
        except OSError as error:
            raise refused(error, None, writing=True)
        self.received = size

    def _settle_offer(self, offset):
        """The host's first frame says if it resumes or starts over."""
        if self._offered and offset == 0:
            self._start_over()
            self.received, self.hash = 0, hashlib.sha256()
        self._offered = False

    # -- data ----------------------------------------------------------------

    def write(self, offset, data):
        self._expect(offset)
        self._piece = None
        self.add(data)

    def write_encoded(self, offset, data):
        if self._encoding is None:
            raise Refused('bad-request', 'ENCODED without an encoding')
        if self._piece is None or offset != self._piece:
            self._expect(offset)
        self._piece = offset
        if self._decoder is None:
            self._decoder = self._encoding(self.size)
        while True:
            try:
                out, data = self._decoder.step(data)
            except BadData as error:
                raise Refused('bad-data', str(error))
            self.add(out)
            if data is None:
                return
            self.stop_if_cancelled()

    def use_basis(self, fd, size):
        """What COPY copies from; closed by close()."""
        self._basis, self.basis_size = fd, size

    def copy(self, offset, ranges):
        """What the basis has already."""
        self._expect(offset)
        self._piece = None
        if self._basis < 0:
            raise Refused('bad-request', 'COPY without a basis')
        if not ranges or len(ranges) % COPY_RANGE.size:
            raise Refused('bad-request', 'COPY of an odd length')
        for start, length in COPY_RANGE.iter_unpack(ranges):
            if start + length > self.basis_size:
                raise Refused('bad-request', 'COPY outside the basis')
            self._copy_range(start, length)

    def _copy_range(self, start, length):
        if self._buffer is None:
            self._buffer = memoryview(bytearray(STEP))
        try:
            os.lseek(self._basis, start, os.SEEK_SET)
            while length:
                count = os.readv(self._basis, [self._buffer[:length]])
                if not count:
                    raise Refused('basis-changed', 'the file to copy from became shorter')
                self.add(self._buffer[:count])
                length -= count
                self.stop_if_cancelled()
        except OSError as error:
            raise refused(error, None, writing=True)

    def _expect(self, offset):
        self._settle_offer(offset)
        if offset != self.received:
            raise Refused('bad-request', 'offset %d where %d was due' % (offset, self.received))

    def add(self, data):
        """The next bytes, wherever they came from."""
        if self.size is not None and self.received + len(data) > self.size:
            raise Refused('size-mismatch', 'more than the %d bytes announced' % self.size)
        self.hash.update(data)
        self.received += len(data)
        self._store(data)

    def check(self, size, digest):
        """What `commit` says against what came."""
        self._settle_offer(size)            # 0: an empty file, of which no frame could tell
        if size != self.received:
            raise Refused('size-mismatch', '%d bytes arrived, %d were sent' % (self.received, size))
        if digest != self.hash.hexdigest().encode('ascii'):
            raise Refused('hash-mismatch', 'SHA-256 differs')


class Transfer:
    """What a put and a bundle have in common: a state, an incoming stream,
    and an end that may come from elsewhere.

    Only the worker touches it while it `is_with_worker`; in the other states a
    finisher has it, and `stop` is all that others may call.  One that is
    answered while a finisher has it is closed by that finisher."""

    def __init__(self, place, options, store, start_over=None):
        self.place, self.conflict = place, options.conflict
        self.incoming = IncomingStream(options.size, options.encoding, store, start_over)
        self.state = OPENED
        self.has_ended = False              # its `commit` or `cancel` has come

    @property
    def is_with_worker(self):
        return self.state in (OPENED, RECEIVING)

    @property
    def is_cancelled(self):
        return self.incoming.stopping is not None

    def stop(self, keep):
        self.incoming.stop(keep)

    def fail(self):
        """Its answer is an error: nothing of it is kept."""

    def answer(self):
        """What `done` says."""
        return [('path', self.place.path), ('size', self.incoming.received),
                ('sha256', self.incoming.hash.hexdigest())]

    def close(self):
        """Idempotent."""
        self.incoming.close()
        self.place.close()
        self.state = OVER


class Put(Transfer):
    """One file being received: temporary file, flush, rename."""

    def __init__(self, place, options, config):
        Transfer.__init__(self, place, options, self._write, self._start_over)
        self.mode, self.mtime = options.mode, options.mtime
        self.config = config
        self.fd = -1
        self.kind = 'file'
        self.temporary = None
        self._skips_unchanged, self._wants_basis = options.skips_unchanged, options.wants_basis
        self._partial_name = partial_name(place.name) if options.resumes else None
        self._resumable = False             # `temporary` is a partial file, and nothing has failed
        self._replaces = False              # the name existed when the put began

    def stays(self):
        """Whether what is there now would outlive the put."""
        return (self._resumable and self.incoming.stopping != DROP
                and self.incoming.received >= PARTIAL_MIN)

    def fail(self):
        self._resumable = False

    # -- begin ---------------------------------------------------------------

    def begin(self, sweep):
        """Opens the destination.  Returns None, or why it was skipped."""
        found = self.place.lstat()
        if self._skips_unchanged and found is not None and is_unchanged(found, self.incoming.size, self.mtime):
            return 'unchanged'
        if found is not None:
            if stat.S_ISCHR(found.st_mode):
                return self._open_device()
            if self._wants_basis:
                self._open_basis(found)
            skipped = self._settle(found)
            if skipped:
                return skipped
        elif self.place.name == b'.':
            raise Refused('is-directory', 'the destination is a directory', self.place.path)
        if sweep:
            sweep_orphans(self.place)
        if self._partial_name is not None:
            self._adopt_partial()
        self._check_space()
        if self.fd < 0 and self._partial_name is not None:
            self._create(self._partial_name)
        if self.fd < 0:
            self._open_temporary()
        return None

    def _open_basis(self, found):
        """The file that may be copied from; without one the host sends all."""
        if not stat.S_ISREG(found.st_mode):
            return
        try:
            basis, found = open_to_read(self.place)
        except Refused as error:
            log.debug('no basis: %s' % error.message)
            return
        self.incoming.use_basis(basis, found.st_size)

    def _settle(self, found):
        """What `conflict` says about an existing name."""
        kind, path = kind_of(found), self.place.path
        if self.conflict == 'skip':
            return 'exists'
        if self.conflict == 'rename' and self.place.name != b'.':
            taken, self.place = self.place, free_name(self.place)
            taken.close()
            return None
        if kind != 'file':
            raise Refused('is-' + kind, 'the destination is a %s' % kind, path)
        if self.conflict == 'fail':
            raise exists(found, path)
        if self.conflict == 'newer':
            if self.mtime is None:
                raise Refused('bad-request', 'conflict=newer needs mtime', path)
            if self.mtime <= found.st_mtime_ns:
                return 'not-newer'
        self._replaces = True
        return None

    def _check_space(self):
        """Room for what is still to come."""
        try:
            room = os.fstatvfs(self.place.directory)
        except OSError:
            return                          # the write will tell
        if room.f_flag & os.ST_RDONLY:
            raise refused(OSError(errno.EROFS, os.strerror(errno.EROFS)), self.place.path)
        if not self.incoming.size:
            return
        needed = self.incoming.size - self.incoming.received
        blocks = room.f_bfree if os.geteuid() == 0 else room.f_bavail
        if room.f_blocks and needed > blocks * room.f_frsize:
            raise Refused('no-space', '%d bytes are needed, %d are free'
                          % (needed, blocks * room.f_frsize), self.place.path, errno.ENOSPC)

    def _open_temporary(self):
        for _ in range(100):
            if self._create(temporary_name()):
                return
        raise Refused('io', 'no temporary file could be made', self.place.path)

    def _create(self, name):
        """False if the name is taken."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(name, flags, 0o600, dir_fd=self.place.directory)
        except FileExistsError:
            return False
        except OSError as error:
            raise refused(error, self.place.path)
        # a file system without locks: no sweep there either, but nothing to resume
        locked = self._lock(fd, name)
        if locked is False:
            os.close(fd)
            return False
        self._write_to(fd, name)
        self._resumable = bool(locked) and name == self._partial_name
        return True

    def _write_to(self, fd, name):
        self.fd, self.temporary = fd, name
        self.config.leftovers.add(self)

    def _adopt_partial(self):
        """Takes what an earlier put left under this name, if it is ours
        beyond doubt: a link to another file must not be written through,
        another put's file not be shared.  Anything else keeps the name."""
        name, directory = self._partial_name, self.place.directory
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            if not is_own_file(os.stat(name, dir_fd=directory, follow_symlinks=False)):
                return
            fd = os.open(name, flags, dir_fd=directory)
        except OSError:
            return                          # mostly: there is none
        found = os.fstat(fd)
        if not is_own_file(found) or not self._lock(fd, name):
            os.close(fd)
            return
        self._write_to(fd, name)
        self._resumable = True
        try:
            os.fchmod(fd, 0o600)
            if self.incoming.size is not None and found.st_size > self.incoming.size:
                os.ftruncate(fd, 0)         # of another file
                return
        except OSError as error:
            raise refused(error, self.place.path)
        self.incoming.offer(found.st_size)

    def _lock(self, fd, name):
        """False if it is somebody else's, be it that a sweep took the file
        for an orphan between our open and our lock; None if this file system
        has no locks."""
        locked = True
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            locked = None
        return locked if has_name(fd, name, self.place.directory) else False

    def _open_device(self):
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            self.fd = os.open(self.place.name, flags, dir_fd=self.place.directory)
        except OSError as error:
            raise refused(error, self.place.path)
        if not stat.S_ISCHR(os.fstat(self.fd).st_mode):
            raise Refused('is-special', 'the destination changed while it was opened', self.place.path)
        self.kind = 'device'

    # -- data ----------------------------------------------------------------

    def _start_over(self):
        """The host doesn't resume: what an earlier put left goes."""
        try:
            os.ftruncate(self.fd, 0)
            os.lseek(self.fd, 0, os.SEEK_SET)
        except OSError as error:
            raise refused(error, self.place.path, writing=True)

    def _write(self, data):
        try:
            done = os.write(self.fd, data)
            while done < len(data):
                done += self._write_rest(data[done:])
        except BlockingIOError:
            self._write_slowly(data)
        except OSError as error:
            raise refused(error, self.place.path, writing=True)

    def _write_rest(self, data):
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            self._write_slowly(data)
            return len(data)

    def _write_slowly(self, data):
        """To a device that takes no more at the moment."""
        poller = select.poll()
        poller.register(self.fd, select.POLLOUT)
        limit = time.monotonic() + DEVICE_WAIT_S
        while len(data):
            self.incoming.stop_if_cancelled()
            if time.monotonic() > limit:
                raise Refused('io', 'the device takes no data', self.place.path, errno.ETIMEDOUT)
            poller.poll(200)
            try:
                data = data[os.write(self.fd, data):]
                limit = time.monotonic() + DEVICE_WAIT_S
            except BlockingIOError:
                time.sleep(0.01)            # a device whose poll promises what write denies
            except OSError as error:
                raise refused(error, self.place.path, writing=True)

    # -- end -----------------------------------------------------------------

    @property
    def is_small(self):
        return self.kind == 'file' and self.incoming.received <= SMALL

    def finish(self):
        """Gives the whole file its name, which the directory has yet to
        flush; runs in a finisher."""
        if self.kind == 'file':
            try:
                self._finish_file()
            except OSError as error:
                raise refused(error, self.place.path)

    def _finish_file(self):
        mode = 0o666 & ~self.config.umask if self.mode is None else self.mode & 0o777
        os.fchmod(self.fd, mode)
        if self.mtime is not None:
            set_times(self.fd, self.mtime, self.place.path)
        try:
            os.fsync(self.fd)
        except OSError as error:
            raise refused(error, self.place.path, writing=True)
        self.incoming.stop_if_cancelled()
        self._name_it()
        self.config.leftovers.forget(self)
        self.temporary = None

    def _name_it(self):
        while True:
            if self._replaces:
                found = self.place.lstat()
                if found is not None and not stat.S_ISREG(found.st_mode):
                    kind = kind_of(found)
                    kind = 'special' if kind == 'device' else kind
                    raise Refused('is-' + kind, 'the destination became a %s' % kind, self.place.path)
                os.rename(self.temporary, self.place.name,
                          src_dir_fd=self.place.directory, dst_dir_fd=self.place.directory)
                return
            if self._name_new():
                return
            # somebody made the name in the meantime
            if self.conflict == 'overwrite':
                self._replaces = True
            elif self.conflict == 'rename':
                self._next_name()
            else:
                found = self.place.lstat()
                raise exists(found, self.place.path)

    def _next_name(self):
        taken, self.place = self.place, free_name(self.place)
        self.config.leftovers.add(self)
        taken.close()

    def _name_new(self):
        """Like rename, but never over an existing name; False if there is one."""
        directory = self.place.directory
        try:
            os.link(self.temporary, self.place.name, src_dir_fd=directory,
                    dst_dir_fd=directory, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS,
                                   errno.EMLINK, errno.EINVAL, errno.EACCES):
                raise
            # a file system without hard links: a small race remains
            if self.place.lstat() is not None:
                return False
            os.rename(self.temporary, self.place.name, src_dir_fd=directory, dst_dir_fd=directory)
            return True
        os.unlink(self.temporary, dir_fd=directory)
        return True

    def close(self):
        """Idempotent; what is unfinished goes, or waits to be resumed."""
        if self.temporary is not None:
            try:
                if self.stays():
                    self._leave()
                else:
                    os.unlink(self.temporary, dir_fd=self.place.directory)
            except OSError as error:
                log.warning('leaving or removing %s: %s' % (printable(self.temporary), error))
            self.config.leftovers.forget(self)
            self.temporary = None
        Transfer.close(self)
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def _leave(self):
        """A commit that did not get to its end may have set both already."""
        os.fchmod(self.fd, 0o600)
        os.utime(self.fd)
        log.info('kept %d bytes in %s' % (self.incoming.received, printable(self.temporary)))


def is_unchanged(found, size, mtime):
    """rsync's quick check; file systems keep more or fewer digits."""
    return (stat.S_ISREG(found.st_mode) and found.st_size == size
            and mtime is not None and found.st_mtime_ns // 1000 == mtime // 1000)


def is_own_file(found):
    """A regular file of ours that has no other name."""
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == os.geteuid()


def exists(found, path):
    """`error code=exists` tells what is there."""
    extra = []
    if found is not None:
        extra = [('type', kind_of(found)), ('mtime', time_text(found.st_mtime_ns))]
        if stat.S_ISREG(found.st_mode):
            extra.insert(1, ('size', found.st_size))
    return Refused('exists', 'the name exists', path, errno.EEXIST, extra)

# ---------------------------------------------------------------------------
# A bundle: many small files in one stream (section 6)
# ---------------------------------------------------------------------------

UNNAMED = getattr(os, 'O_TMPFILE', 0)       # a file without a name: Linux, most file systems
WITHOUT_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.ENOSYS)


class Record:
    """`words` lead to the directory of the name `last`, which is empty if the
    record is about that directory itself."""

    __slots__ = ('number', 'name', 'words', 'last', 'mode', 'mtime', 'start', 'size')

    def __init__(self, number, name, mode, mtime, start, size):
        self.number = number
        self.name = name
        self.words, _, self.last = name.rpartition(b'/')
        if name.startswith(b'/'):
            self.words = b'/' + self.words  # an empty part, which leads nowhere
        self.mode = mode
        self.mtime = mtime
        self.start = start
        self.size = size


class Folders:
    """The directories that the names of a bundle lead to, each opened once.
    They are entered one part at a time and never by a link, so nothing leads
    away from the bundle's own directory."""

    def __init__(self, place):
        self.place = place
        self.fds = {b'': place.directory}

    def enter(self, words):
        """The descriptor of a directory; OSError where there is none."""
        fd = self.fds.get(words)
        if fd is None:
            above, _, name = words.rpartition(b'/')
            fd = self.fds[words] = os.open(self.checked(name), DIRECTORY, dir_fd=self.enter(above))
        return fd

    def checked(self, name):
        if name in (b'', b'.', b'..') or b'\0' in name:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return name

    def location(self, words, name):
        """For what is done as a put does it."""
        folder = os.path.join(self.place.path, words) if words else self.place.path
        path = os.path.join(folder, self.checked(name))
        return Location(os.dup(self.enter(words)), name, path)

    @property
    def are_many(self):
        return len(self.fds) > GROUP_DIRECTORIES

    def leave(self):
        """Idempotent."""
        for words, fd in self.fds.items():
            if words:
                os.close(fd)
        self.fds.clear()
        self.fds[b''] = self.place.directory


class Bundle(Transfer):
    """Held in memory until its hash is known to be right: then every file is
    written without a name, flushed, and only then given its name, `GROUP` of
    them at a time.  What cannot be done this way is `left` to the host, which
    puts it alone and so learns why."""

    def __init__(self, place, options, config, compares):
        Transfer.__init__(self, place, options, self._hold)
        if options.size is None or options.size > BUNDLE_MAX:
            raise Refused('bad-request', 'a bundle is of at most %d bytes' % BUNDLE_MAX)
        self.config = config
        self.compares = compares            # no contents: the host asks what is there
        self.content = bytearray(options.size)
        self.folders = Folders(place)
        self.records = []
        self.left, self.unchanged, self.absent = [], [], []
        self.on_new_folder = None           # gets the Location of a directory that was there before
        self._made = set()
        self._named = {}                    # words -> records named there since its last flush
        self._own_fds = -1
        self._unnamed = UNNAMED

    def _hold(self, data):
        end = self.incoming.received
        self.content[end - len(data):end] = data

    def answer(self):
        out = Transfer.answer(self)
        for key in ('left', 'unchanged', 'absent'):
            numbers = getattr(self, key)
            if numbers:
                out.append((key, number_list(numbers)))
        return out

    def begin_writing(self):
        """In the worker, when the hash has been checked: the directories, in
        which later requests may have something to do, are made at once."""
        self._parse()
        if not self.compares:
            for record in self.records:
                if not record.last and record.mtime == NO_MTIME:
                    self.incoming.stop_if_cancelled()
                    self._attempt(self._make_directory, record)
            self.folders.leave()

    def _parse(self):
        content = self.content = bytes(self.content)
        at, end = 0, self.incoming.received
        while at < end:
            if len(self.records) == RECORDS_MAX or end - at < RECORD.size:
                raise Refused('bad-request', 'more than %d records, or half a one' % RECORDS_MAX)
            name_bytes, mode, size, mtime = RECORD.unpack_from(content, at)
            start = at + RECORD.size + name_bytes
            name = content[at + RECORD.size:start]
            at = start if self.compares else start + size
            if at > end or not name or name.count(b'/') > DEPTH_MAX:
                raise Refused('bad-request', 'a record that is cut off or has no proper name')
            self.records.append(Record(len(self.records), name, mode, mtime, start, size))

    def finish(self):
        """In a finisher."""
        try:
            if self.compares:
                self._compare()
            else:
                self._write_files()
                for record in self.records:
                    if not record.last and record.mtime != NO_MTIME:
                        self.incoming.stop_if_cancelled()
                        self._attempt(self._set_attributes, record)
        finally:
            self.folders.leave()
            if self._own_fds >= 0:
                os.close(self._own_fds)
        self.left.sort()

    def _attempt(self, work, record):
        try:
            work(record)
        except (OSError, OverflowError, Refused) as error:
            if self.is_cancelled:
                raise
            self._leave_to_host(record, error)

    def _leave_to_host(self, record, error):
        log.debug('left to the host: %s: %s' % (printable(record.name), error))
        self.left.append(record.number)

    # -- directories ---------------------------------------------------------

    def _make_directory(self, record):
        above, _, name = record.words.rpartition(b'/')
        directory = self.folders.enter(above)
        try:
            os.mkdir(self.folders.checked(name), record.mode & 0o777, dir_fd=directory)
        except FileExistsError:
            self.folders.enter(record.words)    # OSError if it is none
            return
        self._made.add(record.words)
        if record.mode != NO_MODE and record.mode & (self.config.umask | 0o1000):
            with self.folders.location(above, name) as place:
                set_mode(place, record.mode)
        if self.folders.are_many:
            self.folders.leave()

    def _set_attributes(self, record):
        above, _, name = record.words.rpartition(b'/')
        with self.folders.location(above, name) as place:
            if kind_of(place.lstat()) != 'directory':
                raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if record.mode != NO_MODE:
                set_mode(place, record.mode)
            set_times(place.name, record.mtime, place.path, dir_fd=place.directory,
                      follow_symlinks=False)
        if self.folders.are_many:
            self.folders.leave()

    # -- files ---------------------------------------------------------------

    def _compare(self):
        for record in self.records:
            self.incoming.stop_if_cancelled()
            try:
                found = os.stat(self.folders.checked(record.last), follow_symlinks=False,
                                dir_fd=self.folders.enter(record.words))
            except FileNotFoundError:
                self.absent.append(record.number)
                continue
            except OSError:
                continue
            if is_unchanged(found, record.size, record.mtime):
                self.unchanged.append(record.number)
            if self.folders.are_many:
                self.folders.leave()

    def _write_files(self):
        group = []                          # (record, descriptor of its directory, its own)
        folders = self.folders.fds
        try:
            for record in self.records:
                if not record.last:
                    continue
                if self.is_cancelled:
                    self.incoming.stop_if_cancelled()
                try:
                    directory = folders.get(record.words)
                    if directory is None:
                        directory = self._folder(record.words)
                    fd = self._write_unnamed(record, directory)
                    if fd is None:
                        self._put_alone(record)
                    else:
                        group.append((record, directory, fd))
                except (OSError, OverflowError, Refused) as error:
                    self._leave_to_host(record, error)
                if len(group) >= GROUP or len(folders) > GROUP_DIRECTORIES:
                    self._name_group(group)
        finally:
            if self.is_cancelled:
                close_all(group)
            else:
                self._name_group(group)

    def _folder(self, words):
        directory = self.folders.enter(words)
        if words not in self._made and self.on_new_folder is not None:
            self.on_new_folder(Location(directory, b'.', words))
        return directory

    def _write_unnamed(self, record, directory):
        """A descriptor, None where the file system wants every file named."""
        if not self._unnamed or not self._can_name():
            return None
        mode = 0o666 if record.mode == NO_MODE else record.mode & 0o777
        try:
            fd = os.open(b'.', self._unnamed | os.O_WRONLY | os.O_CLOEXEC, mode, dir_fd=directory)
        except OSError as error:
            if error.errno not in WITHOUT_UNNAMED:
                raise
            self._unnamed = 0
            return None
        try:
            if mode & self.config.umask and record.mode != NO_MODE:
                os.fchmod(fd, mode)
            data = self.content[record.start:record.start + record.size]
            done = os.write(fd, data)
            while done < record.size:
                done += os.write(fd, data[done:])
            # begins to write it to the disk: a flush of many then costs little more than one
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            if record.mtime != NO_MTIME:
                os.utime(fd, ns=(record.mtime, record.mtime))
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _name_group(self, group):
        """Flushes all of them, then names them, then flushes their directories."""
        flushed = []
        try:
            for one in group:
                try:
                    os.fsync(one[2])
                    flushed.append(one)
                except OSError as error:
                    self._leave_to_host(one[0], error)
            for record, directory, fd in flushed:
                if self.is_cancelled:
                    self.incoming.stop_if_cancelled()
                try:
                    self._name(record, directory, fd)
                except FileExistsError:
                    self._attempt(self._replace, record)
                except OSError as error:
                    self._leave_to_host(record, error)
        finally:
            close_all(group)
            self._flush_directories()
            if self.folders.are_many:
                self.folders.leave()

    def _can_name(self):
        """It takes /proc to give a name to what is only open."""
        if self._own_fds < 0:
            try:
                self._own_fds = os.open('/proc/self/fd', DIRECTORY)
            except OSError:
                self._unnamed = 0
        return self._own_fds >= 0

    def _name(self, record, directory, fd):
        os.link(b'%d' % fd, self.folders.checked(record.last), src_dir_fd=self._own_fds,
                dst_dir_fd=directory, follow_symlinks=True)
        named = self._named.get(record.words)
        if named is None:
            named = self._named[record.words] = []
        named.append(record.number)

    def _flush_directories(self):
        for words, numbers in self._named.items():
            with Location(os.dup(self.folders.enter(words)), b'.', self.place.path) as place:
                if place.flush_directory() is not None:
                    self.left += numbers
        self._named = {}

    def _replace(self, record):
        if self.conflict != 'overwrite':
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        self._put_alone(record)

    def _put_alone(self, record):
        """The long way, by a name of its own: over a file that is there, or
        where a file cannot be without a name."""
        options = PutOptions(
            conflict='overwrite' if self.conflict == 'overwrite' else 'fail', size=record.size,
            mode=None if record.mode == NO_MODE else record.mode,
            mtime=None if record.mtime == NO_MTIME else record.mtime)
        put = Put(self.folders.location(record.words, record.last), options, self.config)
        try:
            put.begin(False)
            if put.kind != 'file':
                raise Refused('is-special', 'not for a bundle', put.place.path)
            put.incoming.add(self.content[record.start:record.start + record.size])
            put.finish()
        finally:
            put.close()
        self._named.setdefault(record.words, []).append(record.number)


def close_all(group):
    for _, _, fd in group:
        os.close(fd)
    del group[:]


def number_list(numbers):
    """Ascending numbers as text: 3,7-9."""
    runs = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ','.join('%d' % first if first == last else '%d-%d' % (first, last) for first, last in runs)

# ---------------------------------------------------------------------------
# Requests (section 5)
# ---------------------------------------------------------------------------


class Signature:
    """Checksums of the blocks of a file (section 6).  Opened by the worker,
    read by a finisher."""

    def __init__(self, place, block):
        self.path, self.block = place.path, block
        self.is_cancelled = False           # set by the worker, read by the finisher between two blocks
        self.hash = hashlib.sha256()
        self.fd, found = open_to_read(place)
        self.size, self.mtime = found.st_size, found.st_mtime_ns
        if self.size > block * BLOCKS_MAX:
            self.close()
            raise Refused('bad-request', 'more than %d blocks' % BLOCKS_MAX, self.path)

    def close(self):
        os.close(self.fd)

    def stop_if_cancelled(self):
        if self.is_cancelled:
            raise Refused('cancelled', 'cancelled', self.path)

    def pieces(self, room):
        """The entries, at most `room` bytes at a time."""
        entries = bytearray()
        for block in self._blocks():
            entries += SIGNATURE_ENTRY.pack(zlib.adler32(block), hashlib.sha256(block).digest())
            if len(entries) >= room:
                yield bytes(entries)
                del entries[:]
        if entries:
            yield bytes(entries)

    def _blocks(self):
        buffer = memoryview(bytearray(max(self.block, STEP // self.block * self.block)))
        left = self.size
        while left:
            self.stop_if_cancelled()
            count = self._fill(buffer[:left])
            self.hash.update(buffer[:count])
            for start in range(0, count, self.block):
                yield buffer[start:min(start + self.block, count)]
            left -= count

    def _fill(self, buffer):
        filled = 0
        while filled < len(buffer):
            try:
                count = os.readv(self.fd, [buffer[filled:]])
            except OSError as error:
                raise refused(error, self.path, writing=True)
            if not count:
                raise Refused('basis-changed', 'the file became shorter', self.path)
            filled += count
        return filled


class SignatureRequests:
    """The `signature` verb of one session."""

    def __init__(self, requests):
        self._requests, self._host = requests, requests.host

    def begin(self, stream, fields):
        requests = self._requests
        block = number_of(fields, 'block', True)
        if not BLOCK_MIN <= block <= BLOCK_MAX:
            raise Refused('bad-request', 'block is not within %d and %d' % (BLOCK_MIN, BLOCK_MAX))
        with requests.root.locate(fields['path']) as place:
            signature = Signature(place, block)
        requests.open[stream] = signature
        requests.reply(stream, 'accept', [('path', signature.path), ('size', signature.size),
                                          ('block', block)])
        requests.finish(lambda: self._sign(stream, signature))

    def _sign(self, stream, signature):
        """In a finisher."""
        room = (self._host.frame - OFFSET.size) // SIGNATURE_ENTRY.size * SIGNATURE_ENTRY.size
        sent = 0
        try:
            for entries in signature.pieces(room):
                self._wait_for_room(signature)
                self._host.reply_data(stream, OFFSET.pack(sent) + entries)
                sent += len(entries)
        except Exception as error:
            if self._requests.is_open(stream, signature):
                self._requests.fail(stream, error)
            return
        finally:
            signature.close()
        if self._requests.is_open(stream, signature):
            self._requests.done(stream, [('path', signature.path), ('size', signature.size),
                                         ('mtime', time_text(signature.mtime)),
                                         ('sha256', signature.hash.hexdigest())])

    def _wait_for_room(self, signature):
        """Until the host has taken enough of what it was sent."""
        while True:
            if self._requests.closed:
                signature.is_cancelled = True
            signature.stop_if_cancelled()
            if self._host.queued() <= SIGNATURE_QUEUE_MAX:
                return
            time.sleep(0.02)


class PutRequests:
    """The verbs of one session that send content: `put`, `bundle`, `compare`
    and the `commit` of all three."""

    def __init__(self, requests):
        self._requests = requests
        self._root, self._config = requests.root, requests.config
        self._swept = set()                 # directories that were looked through for orphans
        self._small = []                    # (stream, Put) to be finished together
        self.finishing = set()              # batches of them, each by the number of a stream
        self._bundles = collections.deque() # (stream, Bundle); the first is being written

    # -- put -----------------------------------------------------------------

    def put(self, stream, fields):
        place = self._requests.near.locate(fields['path'])
        put = self._made(place, lambda: Put(place, put_options(fields, self._config.decoders), self._config))
        try:
            skipped = put.begin(self._sweep_due(place))
        except BaseException:
            put.fail()
            put.close()
            raise
        if skipped:
            put.close()
            self._requests.draining.add(stream)
            self._requests.done(stream, [('path', put.place.path), ('skipped', skipped)])
            return
        self._requests.open[stream] = put
        if put.incoming.is_offered:
            put.state = PREPARING
            self._requests.finish(lambda: self._prepare(stream, put))
        else:
            self._accept(stream, put)

    @staticmethod
    def _made(place, make):
        """What `make` makes; without it the place is of no use."""
        try:
            return make()
        except Refused:
            place.close()
            raise

    def _accept(self, stream, put):
        put.state = RECEIVING
        incoming = put.incoming
        out = [('path', put.place.path), ('kind', put.kind)]
        if incoming.basis_size is not None:
            out.append(('basis', incoming.basis_size))
        if incoming.is_offered:
            out += [('partial', incoming.received), ('partial-sha256', incoming.hash.hexdigest())]
        self._requests.reply(stream, 'accept', out)

    def _prepare(self, stream, put):
        """In a finisher; what follows from it is the worker's again."""
        failure = None
        try:
            put.incoming.hash_offered(put.fd)
        except Exception as error:
            failure = error
        self._requests.worker.submit(self._prepared, stream, put, failure)

    def _prepared(self, stream, put, failure):
        put.state = RECEIVING               # with the worker again, which may close it
        if not self._requests.is_open(stream, put):
            put.close()                     # the session is gone, or the put was refused since
            return
        try:
            if failure is not None:
                raise failure
            put.incoming.stop_if_cancelled()
            self._accept(stream, put)
        except Exception as error:
            self._requests.fail(stream, error)

    def _sweep_due(self, place):
        """True once per directory and session: listing costs."""
        key = place.identity()
        if key in self._swept:
            return False
        if len(self._swept) >= SWEPT_MAX:
            self._swept.clear()
        self._swept.add(key)
        return True

    # -- bundle and compare --------------------------------------------------

    def bundle(self, stream, fields):
        self._begin_bundle(stream, fields, False)

    def compare(self, stream, fields):
        self._begin_bundle(stream, fields, True)

    def _begin_bundle(self, stream, fields, compares):
        place = self._root.locate(fields['path'] + b'/')
        bundle = self._made(place, lambda: Bundle(place, put_options(fields, self._config.decoders),
                                                  self._config, compares))
        bundle.on_new_folder = self._look_at_folder
        bundle.state = RECEIVING
        self._requests.open[stream] = bundle
        self._requests.reply(stream, 'accept', [('path', place.path)])

    def _look_at_folder(self, place):
        if self._sweep_due(place):
            sweep_orphans(place)

    # -- commit --------------------------------------------------------------

    def commit(self, stream, fields):
        transfer = self._requests.open.get(stream)
        is_transfer = isinstance(transfer, Transfer)
        if is_transfer:
            transfer.has_ended = True
        try:
            if not is_transfer or transfer.state != RECEIVING:
                raise Refused('bad-request', 'commit without a put')
            transfer.incoming.check(number_of(fields, 'size', True), sha256_of(fields))
            if isinstance(transfer, Bundle):
                transfer.begin_writing()
        except Exception as error:
            self._requests.fail(stream, error)
            return
        transfer.state = COMMITTING
        if isinstance(transfer, Bundle):
            self._finish_in_turn(stream, transfer)
        elif transfer.kind == 'device':
            self._finish([(stream, transfer)])  # nothing to flush: no need for another thread
        elif transfer.is_small:
            self._finish_with_others(stream, transfer)
        else:
            self._requests.finish(lambda: self._finish([(stream, transfer)]))

    def _finish_with_others(self, stream, put):
        """The frames that came in one read are in the worker's queue already,
        so what is put behind them finds the small files of all of them."""
        self._small.append((stream, put))
        if len(self._small) == 1:
            self._requests.worker.submit(self._finish_small)

    def _finish_small(self):
        batch, self._small = self._small, []
        number = batch[0][0]                # of a stream: no other batch can have it
        self.finishing.add(number)

        def finish():
            try:
                self._finish(batch)
            finally:
                self.finishing.discard(number)
                self._requests.host.let_go()
        self._requests.finish(finish)

    def _finish(self, batch):
        """Flushes and names every file, then flushes each directory once;
        only after that is anything `done`."""
        failures = {}                       # stream -> why
        for stream, put in batch:
            try:
                put.finish()
            except Exception as error:
                failures[stream] = error
        self._flush_directories(batch, failures)
        for stream, put in batch:
            if stream in failures and getattr(failures[stream], 'code', None) != 'cancelled':
                put.fail()
            put.close()
        if not self._requests.closed:
            self._answer(batch, failures)
            if not self._requests.open:
                self._requests.worker.submit(self._requests.forget_directory)

    @staticmethod
    def _flush_directories(batch, failures):
        flushed = {}                        # identity of the directory -> why it could not be
        for stream, put in batch:
            if stream in failures or put.kind != 'file':
                continue
            key = put.place.identity()
            if key not in flushed:
                flushed[key] = put.place.flush_directory()
            if flushed[key] is not None:
                failures[stream] = flushed[key]

    def _answer(self, batch, failures):
        done = []
        for stream, put in batch:
            if not self._requests.is_open(stream, put):
                continue                    # refused since
            if stream in failures:
                self._requests.fail(stream, failures[stream])
            else:
                self._requests.open.pop(stream, None)
                done.append((stream, 'done', put.answer()))
        if done:
            self._requests.host.reply_all(done)

    def _finish_in_turn(self, stream, bundle):
        """One at a time: more would only take the processor from each other,
        and the other finishers from who needs them."""
        self._bundles.append((stream, bundle))
        if len(self._bundles) == 1:
            self._write_next_bundle()

    def _write_next_bundle(self):
        stream, bundle = self._bundles[0]

        def write():
            failure = None
            try:
                bundle.finish()
            except Exception as error:
                failure = error
            self._requests.worker.submit(self._written, stream, bundle, failure)
        self._requests.finish(write)

    def _written(self, stream, bundle, failure):
        self._bundles.popleft()
        bundle.close()
        if self._requests.is_open(stream, bundle):  # else the session is gone, or it was refused since
            if failure is None:
                self._requests.done(stream, bundle.answer())
            else:
                self._requests.fail(stream, failure)
            self._requests.forget_directory()
        if self._bundles:
            self._write_next_bundle()


BUSY = object()             # stands in `open` for a stat whose file a finisher hashes


class FileRequests:
    """The verbs of one session about a name: `stat`, `mkdir`, `symlink` and
    `attributes`."""

    def __init__(self, requests):
        self._requests, self._root = requests, requests.root

    def stat(self, stream, fields):
        wanted = fields.get('hash')
        if wanted not in (None, b'sha256'):
            raise Refused('unsupported', 'hash unknown')
        follow = fields.get('follow') != b'0'
        try:
            place = self._root.locate(fields['path'], follow)
        except Refused as error:
            if error.code != 'no-directory':
                raise
            self._requests.done(stream, [('type', 'none'), ('path', os.path.join(self._root.path, fields['path']))])
            return
        with place:
            found = place.lstat()
            out = describe(place, found)
            if wanted is None or kind_of(found) != 'file':
                self._requests.done(stream, out)
                return
            kept = Location(os.dup(place.directory), place.name, place.path)
        self._requests.open[stream] = BUSY
        self._requests.finish(lambda: self._hash(stream, kept, out))

    def _hash(self, stream, place, out):
        try:
            with place:
                digest = hash_file(place, lambda: self._requests.closed)
        except Exception as error:
            if not self._requests.closed:
                self._requests.fail(stream, error)
            return
        if not self._requests.closed:
            self._requests.done(stream, out + [('sha256', digest)])

    def mkdir(self, stream, fields):
        mode = mode_of(fields)
        path = fields['path'].rstrip(b'/') or b'/'
        with self._root.locate(path) as place:
            try:
                if place.name == b'.':
                    raise FileExistsError(errno.EEXIST, '')
                os.mkdir(place.name, dir_fd=place.directory)
            except FileExistsError:
                self._existing_directory(stream, path, place)
                return
            except OSError as error:
                raise refused(error, place.path)
            if mode is not None:
                set_directory_mode(place, mode)
            self._requests.done(stream, [('path', place.path)])

    def _existing_directory(self, stream, path, place):
        with self._root.locate(path, follow=True) as target:
            kind = kind_of(target.lstat())
        if kind != 'directory':
            raise Refused('not-a-directory', 'the name exists and is no directory', place.path,
                          errno.EEXIST)
        self._requests.done(stream, [('path', place.path), ('existed', 1)])

    def symlink(self, stream, fields):
        target, conflict = fields.get('target'), conflict_of(fields)
        if not target or b'\0' in target:
            raise Refused('bad-request', 'target is missing or invalid')
        place = self._root.locate(fields['path'].rstrip(b'/') or b'/')
        try:
            found = place.lstat()
            if found is None:
                self._link(place, target)
            else:
                skipped = self._settle_link(place, found, target, conflict)
                if skipped:
                    self._requests.done(stream, [('path', place.path), ('skipped', skipped)])
                    return
                if conflict == 'rename':
                    taken, place = place, free_name(place)
                    taken.close()
                    self._link(place, target)
                else:
                    self._replace_link(place, target)
            self._requests.done(stream, [('path', place.path)])
        finally:
            place.close()

    @staticmethod
    def _link(place, target):
        try:
            os.symlink(target, place.name, dir_fd=place.directory)
        except FileExistsError:
            raise exists(place.lstat(), place.path)
        except OSError as error:
            raise refused(error, place.path)

    @staticmethod
    def _replace_link(place, target):
        name = temporary_name()
        try:
            os.symlink(target, name, dir_fd=place.directory)
            try:
                os.rename(name, place.name, src_dir_fd=place.directory, dst_dir_fd=place.directory)
            except OSError:
                os.unlink(name, dir_fd=place.directory)
                raise
        except OSError as error:
            raise refused(error, place.path)

    @staticmethod
    def _settle_link(place, found, target, conflict):
        kind = kind_of(found)
        if kind == 'symlink':
            try:
                if os.readlink(place.name, dir_fd=place.directory) == target:
                    return 'identical'
            except OSError as error:
                raise refused(error, place.path)
        if conflict == 'skip':
            return 'exists'
        if conflict == 'rename' and place.name != b'.':
            return None
        if kind not in ('symlink', 'file'):
            kind = 'special' if kind == 'device' else kind
            raise Refused('is-' + kind, 'the name exists and is a %s' % kind, place.path)
        if conflict == 'newer':
            return 'not-newer'
        if conflict == 'fail':
            raise exists(found, place.path)
        return None

    def attributes(self, stream, fields):
        mode, mtime = mode_of(fields), mtime_of(fields)
        try:
            place = self._root.locate(fields['path'], follow=True)
        except Refused as error:
            if error.code == 'no-directory':
                error.code = 'not-found'
            raise
        with place:
            found = place.lstat()
            kind = kind_of(found)
            if kind == 'none':
                raise Refused('not-found', 'there is no such file', place.path, errno.ENOENT)
            if kind not in ('file', 'directory'):
                raise Refused('is-symlink' if kind == 'symlink' else 'is-special',
                              'not a file or directory', place.path)
            try:
                if mode is not None:
                    set_mode(place, mode)
                if mtime is not None:
                    set_times(place.name, mtime, place.path,
                              dir_fd=place.directory, follow_symlinks=False)
            except OSError as error:
                raise refused(error, place.path)
            self._requests.done(stream, [])


def describe(place, found):
    out = [('type', kind_of(found)), ('path', place.path)]
    if found is not None:
        if stat.S_ISREG(found.st_mode):
            out.append(('size', found.st_size))
        out.append(('mtime', time_text(found.st_mtime_ns)))
        out.append(('mode', '%o' % stat.S_IMODE(found.st_mode)))
        if stat.S_ISLNK(found.st_mode):
            try:
                out.append(('target', os.readlink(place.name, dir_fd=place.directory)))
            except OSError:
                pass                        # gone since: the rest is still what was asked
    free = free_bytes(place, found)
    if free is not None:
        out.append(('free', free))
    return out


def free_bytes(place, found):
    """Room in the directory itself, or in the one that holds the file."""
    fd = -1
    try:
        if found is not None and stat.S_ISDIR(found.st_mode) and place.name != b'.':
            fd = os.open(place.name, DIRECTORY, dir_fd=place.directory)
        room = os.fstatvfs(fd if fd >= 0 else place.directory)
    except OSError:
        return None
    finally:
        if fd >= 0:
            os.close(fd)
    return (room.f_bfree if os.geteuid() == 0 else room.f_bavail) * room.f_frsize


def open_to_read(place):
    """(descriptor, stat) of a regular file."""
    kind = kind_of(place.lstat())
    if kind == 'none':
        raise Refused('not-found', 'there is no such file', place.path, errno.ENOENT)
    if kind != 'file':
        kind = 'special' if kind == 'device' else kind
        raise Refused('is-' + kind, 'not a regular file', place.path)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        fd = os.open(place.name, flags, dir_fd=place.directory)
    except OSError as error:
        raise refused(error, place.path)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise Refused('is-special', 'no longer a regular file', place.path)
    return fd, found


def hash_file(place, stopped):
    """SHA-256 of a regular file, in hexadecimal."""
    fd, _ = open_to_read(place)
    digest, buffer = hashlib.sha256(), bytearray(STEP)
    view = memoryview(buffer)
    try:
        while not stopped():
            count = os.readv(fd, [buffer])
            if not count:
                break
            digest.update(view[:count])
    except OSError as error:
        raise refused(error, place.path, writing=True)
    finally:
        os.close(fd)
    return digest.hexdigest()


def set_directory_mode(place, mode):
    try:
        set_mode(place, mode)
    except OSError as error:
        raise refused(error, place.path)


def set_mode(place, mode):
    """chmod that cannot be led elsewhere by a link put there in between."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        fd = os.open(place.name, os.O_RDONLY | flags, dir_fd=place.directory)
    except PermissionError:
        if not hasattr(os, 'O_PATH'):
            raise
        # ours, but unreadable: O_PATH needs no permission; chmod goes by way of /proc
        fd = os.open(place.name, os.O_PATH | flags, dir_fd=place.directory)
        try:
            if stat.S_ISLNK(os.fstat(fd).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            os.chmod('/proc/self/fd/%d' % fd, kept_bits(os.fstat(fd), mode))
        finally:
            os.close(fd)
        return
    try:
        os.fchmod(fd, kept_bits(os.fstat(fd), mode))
    finally:
        os.close(fd)


def kept_bits(found, mode):
    """Directories keep the set-group-id bit they inherited."""
    if stat.S_ISDIR(found.st_mode):
        return mode & 0o1777 | found.st_mode & stat.S_ISGID
    return mode & 0o777


class Requests:
    """The requests of one session, here `host`: its `reply` and `reply_data`
    may be called from any thread.  A stream is freed before its answer goes
    out.  Runs in the worker; knows nothing of frames but their type, stream
    and payload."""

    def __init__(self, config, host, worker, streams=STREAMS):
        self.config, self.root = config, config.root
        self.host, self.worker = host, worker
        self.reply, self.finish = host.reply, worker.submit_long
        self.streams = streams
        self.open = {}                      # stream -> Put, Bundle, Signature or BUSY
        self.draining = set()               # streams whose put was answered early
        self.closed = False
        self.near = LastDirectory(self.root)
        self._puts, self._files = PutRequests(self), FileRequests(self)
        self._signatures = SignatureRequests(self)
        self.verbs = {'stat': self._files.stat, 'put': self._puts.put, 'mkdir': self._files.mkdir,
                      'symlink': self._files.symlink, 'attributes': self._files.attributes,
                      'signature': self._signatures.begin, 'join': self._join,
                      'bundle': self._puts.bundle, 'compare': self._puts.compare}

    def stop(self):
        """From any thread: the session is gone, work on its puts leaves off."""
        for request in list(self.open.values()):
            if isinstance(request, Transfer):
                request.stop(True)

    def stop_put(self, stream, payload):
        """From any thread: a `cancel` is on its way to us behind frames that
        may take long."""
        request = self.open.get(stream)
        if isinstance(request, Transfer):
            request.stop(b'\nkeep=1\n' in payload)

    def close(self):
        """The session is gone: nothing unfinished stays but partial files."""
        self.closed = True
        self.stop()
        for request in list(self.open.values()):
            if isinstance(request, Transfer) and request.is_with_worker:
                request.close()
        self.open.clear()
        self.draining.clear()
        self.near.forget()

    def is_open(self, stream, request):
        """Whether it still has to be answered."""
        return not self.closed and self.open.get(stream) is request

    @property
    def are_finishing(self):
        """Whether small files are being flushed, whose answers come soon."""
        return bool(self._puts.finishing)

    # -- frames --------------------------------------------------------------

    def data(self, stream, payload, encoded=False):
        take = IncomingStream.write_encoded if encoded else IncomingStream.write
        self._content(stream, payload, take)

    def copy(self, stream, payload):
        self._content(stream, payload, IncomingStream.copy)

    def _content(self, stream, payload, take):
        transfer = self.open.get(stream)
        if not isinstance(transfer, Transfer) or transfer.state in (COMMITTING, OVER):
            return                          # draining, or nothing there
        try:
            if len(payload) < OFFSET.size:
                raise Refused('bad-request', 'no offset')
            if transfer.state == PREPARING:
                raise Refused('bad-request', 'data before accept')
            take(transfer.incoming, OFFSET.unpack_from(payload)[0], payload[OFFSET.size:])
        except Exception as error:
            self.fail(stream, error)
            self.forget_directory()

    def control(self, stream, payload):
        try:
            verb, fields = read_text(payload)
        except BadText as error:
            self._invalid(stream, payload, error)
            return
        if verb == 'cancel':
            self._cancel(stream, yes(fields, 'keep'))
        elif stream in self.draining:
            if verb == 'commit':
                self.draining.discard(stream)
        elif verb == 'commit':
            self._puts.commit(stream, fields)
        else:
            self._begin(stream, verb, fields)
        self.forget_directory()

    def forget_directory(self):
        """In the worker: who has nothing under way holds no directory open,
        and what it is on can be unmounted."""
        if not self.open:
            self.near.forget()

    def unknown(self, stream):
        self.fail(stream, Refused('unsupported', 'frame type unknown'))

    # -- ends ----------------------------------------------------------------

    def fail(self, stream, error):
        """The final `error` of a stream.  If its put is still being sent,
        the rest of it is dropped until commit or cancel."""
        if isinstance(error, OSError):
            error = refused(error, None)
        elif not isinstance(error, Refused):
            log.error('defect: %s: %s' % (type(error).__name__, error))
            error = Refused('internal', '%s: %s' % (type(error).__name__, error))
        request = self.open.pop(stream, None)
        if isinstance(request, Transfer):
            if error.path is None:
                error.path = request.place.path
            self._end(stream, request, error)
        elif isinstance(request, Signature):
            request.is_cancelled = True
        log.info('%s%s: %s' % (error.code, ' ' + printable(error.path) if error.path else '',
                               error.message))
        self.reply(stream, 'error', error.fields())

    def _end(self, stream, transfer, error):
        if error.code != 'cancelled':
            transfer.fail()
        if not transfer.has_ended:
            self.draining.add(stream)
        if transfer.is_with_worker:
            transfer.close()
        else:
            transfer.stop(False)            # its finisher leaves off, and closes it

    def done(self, stream, fields):
        self.open.pop(stream, None)
        self.reply(stream, 'done', fields)

    def _invalid(self, stream, payload, error):
        head = bytes(payload[:8])
        if stream in self.draining:
            if head.startswith((b'commit\n', b'cancel\n')):
                self.draining.discard(stream)
            return
        if head.startswith(tuple(verb.encode('ascii') + b'\n' for verb in SENDING)) and stream not in self.open:
            self.draining.add(stream)
        self.fail(stream, Refused('bad-request', str(error)))
        if head.startswith((b'commit\n', b'cancel\n')):
            self.draining.discard(stream)

    # -- begin ---------------------------------------------------------------

    def _begin(self, stream, verb, fields):
        if stream in self.open or stream == 0:
            self.fail(stream, Refused('bad-request', '%s on a stream in use' % verb if stream
                                      else 'stream 0'))
            return
        try:
            if len(self.open) + len(self.draining) >= self.streams:
                raise Refused('too-many', 'more than %d requests at once' % self.streams)
            if verb not in self.verbs:
                raise Refused('unsupported', 'verb %s is unknown' % verb)
            if self.config.read_only and verb not in ('stat', 'signature', 'join'):
                raise Refused('read-only', 'the receiver is in read-only mode', fields.get('path'))
            if 'path' not in fields and verb != 'join':
                raise Refused('bad-request', 'path is missing')
            self.verbs[verb](stream, fields)
        except Exception as error:
            if verb in SENDING and stream not in self.open:
                self.draining.add(stream)
            self.fail(stream, error)

    def _cancel(self, stream, keep):
        request = self.open.get(stream)
        if stream in self.draining:
            self.draining.discard(stream)
        elif isinstance(request, Signature):
            request.is_cancelled = True
        elif isinstance(request, Transfer):
            request.stop(keep)              # a finisher looks at it before it renames
            request.has_ended = True
            if request.is_with_worker:
                self.fail(stream, Refused('cancelled', 'cancelled'))

    def _join(self, stream, fields):
        self.host.join(session_of(fields))
        self.done(stream, [])


# ---------------------------------------------------------------------------
# Worker and finishers
# ---------------------------------------------------------------------------


class Bell:
    """A semaphore of one.  (Condition makes a lock for every wait, and
    queue.SimpleQueue came with Python 3.7.)"""

    def __init__(self):
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self):
        try:
            self._lock.release()
        except RuntimeError:
            pass                            # rung already

    def wait(self):
        self._lock.acquire()


class Worker:
    """Runs jobs in order in one thread, and long ones in a few others."""

    def __init__(self, name):
        self._jobs = collections.deque()
        self._long = collections.deque()
        self._bell = Bell()
        self._gathering = False
        self._long_ready = threading.Condition(threading.Lock())
        self._idle_finishers = 0
        self._finishers = []
        self._stopping = False
        self._name = name
        self.on_rest = lambda: None         # called when no job is left
        self._thread = threading.Thread(target=self._run, name=name + '-worker', daemon=True)
        self._thread.start()

    def submit(self, job, *arguments):
        self._jobs.append((job, arguments))
        if not self._gathering:             # looked at behind the append: see __exit__
            self._bell.ring()

    def __enter__(self):
        """What is submitted until __exit__ is handed over at once: every
        switch between threads costs as much as a small frame."""
        self._gathering = True

    def __exit__(self, *_):
        self._gathering = False             # before the look for what others submitted meanwhile
        if self._jobs:
            self._bell.ring()

    def submit_long(self, job):
        with self._long_ready:
            self._long.append(job)
            if not self._idle_finishers and len(self._finishers) < FINISHERS:
                thread = threading.Thread(target=self._run_long, name=self._name + '-finisher',
                                          daemon=True)
                self._finishers.append(thread)
                thread.start()
            self._long_ready.notify()

    def stop(self, limit):
        """Lets what was submitted end, but waits no longer than `limit`."""
        self._stopping = True
        self._bell.ring()
        self._thread.join(max(0.0, limit - time.monotonic()))
        with self._long_ready:
            self._long_ready.notify_all()
        for thread in self._finishers:
            thread.join(max(0.0, limit - time.monotonic()))

    def _run(self):
        while True:
            self._bell.wait()
            while self._jobs:
                job, arguments = self._jobs.popleft()
                run_guarded(job, *arguments)
                job = arguments = None      # a view kept here would keep its buffer
            run_guarded(self.on_rest)
            if self._stopping and not self._jobs:
                return

    def _run_long(self):
        while True:
            with self._long_ready:
                while not self._long:
                    if self._stopping:
                        return
                    self._idle_finishers += 1
                    self._long_ready.wait()
                    self._idle_finishers -= 1
                job = self._long.popleft()
            run_guarded(job)


def run_guarded(job, *arguments):
    try:
        job(*arguments)
    except Exception as error:              # a defect must not end the thread
        log.error('defect: %s: %s' % (type(error).__name__, error))

# ---------------------------------------------------------------------------
# Sessions (section 3).  No I/O in here: frames in, bytes out, times given
# ---------------------------------------------------------------------------


def has_lanes(device):
    return DEVICES[device][0] < FRAME_MIN


class Lanes:
    """LANE frames of one session (section 6).  The threads of several ports
    bring them, the session's own worker gets them in the order of their
    numbers."""

    def __init__(self, session, endpoint):
        self.session = session
        self._worker = endpoint.worker
        self._limit = LANE_WINDOWS * endpoint.window
        self._lock = threading.RLock()
        self._next = 0                      # number of the frame to be acted on next
        self._waiting = {}                  # number -> (lane, size, arguments of perform)
        self._bytes_waiting = 0
        self._handed_over = 0               # bytes, to the worker
        self.returned = 0                   # bytes that it is through with; counted by it alone
        self._joined = set()

    @property
    def used(self):
        return self._next > 0 or bool(self._waiting or self._joined)

    def admit(self, lane):
        with self._lock:
            if self.session.dead:
                raise Refused('not-found', 'the session has ended')
            if len(self._joined) >= LANES_MAX:
                raise Refused('too-many', 'the session has %d lanes' % LANES_MAX)
            self._joined.add(lane)

    def leave(self, lane):
        """What the lane has brought stays: it was acknowledged."""
        with self._lock:
            self._joined.discard(lane)
        if lane is self.session:
            self._give_up()

    def _give_up(self):
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            self._bytes_waiting = 0
        for lane, size, _ in waiting.values():
            lane.give_back(size)

    def has_room_for(self, number):
        """Windows bound what waits; lanes that come and go could get around
        them.  What is needed next is not held up by what is not."""
        if number == self._next:
            return self._handed_over - self.returned <= self._limit
        return self._bytes_waiting <= self._limit

    def take(self, lane, number, size, arguments):
        with self._lock:
            known = number < self._next or number in self._waiting or self.session.dead
            if not known:
                self._waiting[number] = lane, size, arguments
                self._bytes_waiting += size
                self._hand_over()
        if known:
            lane.give_back(size)

    def _hand_over(self):
        """Within the lock, or two ports could pass each other."""
        while self._next in self._waiting:
            lane, size, arguments = self._waiting.pop(self._next)
            self._next += 1
            self._bytes_waiting -= size
            self._handed_over += size
            self._worker.submit(self._perform, lane, size, arguments)

    def _perform(self, lane, size, arguments):
        try:
            self.session.act(*arguments)
        finally:
            self.returned += size
            lane.give_back(size)


class Session:
    def __init__(self, number, nonce, welcome, endpoint, window, frame):
        self.number, self.nonce, self.welcome = number, nonce, welcome
        self.frame = frame                  # largest payload that both sides take
        self.heard = 0.0
        self.dead = False
        self.reader = ReliableReader(endpoint.window, endpoint.frame)
        self.sender = ReliableSender(number, window)
        self._replies = collections.deque()     # (kind, stream, payload) from worker and finishers
        self._said = 0                          # bytes of all frames ever put there
        self._saying = threading.Lock()
        self._wake = endpoint.wake
        self.held_since = None                  # see Endpoint._hold
        self._unheard = False                   # something was said since
        self._config = config = endpoint.config
        self.lanes = Lanes(self, endpoint)      # after `join` those of the main session
        self.requests = Requests(config, self, endpoint.worker)

    def reply(self, stream, verb, fields):
        self._say(CONTROL, stream, write_reply(verb, fields))

    def reply_all(self, replies):
        for stream, verb, fields in replies:
            self._queue(CONTROL, stream, write_reply(verb, fields))
        self._tell()

    def reply_data(self, stream, payload):
        self._say(DATA, stream, payload)

    def _say(self, kind, stream, payload):
        self._queue(kind, stream, payload)
        self._tell()

    def _queue(self, kind, stream, payload):
        with self._saying:
            self._said += len(payload) + OVERHEAD
            self._replies.append((kind, stream, payload))

    def _tell(self):
        """Wakes the port thread, unless whoever it waits for will."""
        self._unheard = True                # before the look: see let_go
        if self.held_since is None:
            self._unheard = False
            self._wake()

    def let_go(self):
        """From any thread: the port is to look at what was said."""
        self.held_since = None              # before the look for what another thread said meanwhile
        if self._unheard:
            self._unheard = False
            self._wake()

    @property
    def backlog(self):
        """Replies that the host hasn't acknowledged."""
        return len(self.sender.frames) + len(self._replies)

    def queued(self):
        """Bytes of replies that the host has not acknowledged."""
        return self._said - self.sender.bytes_done

    def collect(self, now):
        while self._replies:
            kind, stream, payload = self._replies.popleft()
            self.sender.add(kind, stream, payload, now)

    # -- in the worker -------------------------------------------------------

    def perform(self, kind, stream, payload, size, chunk, flags):
        try:
            self.act(kind, stream, payload, flags)
        finally:
            if chunk is not None:
                chunk.returned += 1
            self.give_back(size)

    def act(self, kind, stream, payload, flags):
        if self.dead:
            pass
        elif kind == DATA:
            self.requests.data(stream, payload, bool(flags & FLAG_ENCODED))
        elif kind == COPY:
            self.requests.copy(stream, payload)
        elif kind == CONTROL:
            self.requests.control(stream, payload)
        else:
            self.requests.unknown(stream)

    def give_back(self, size):
        """From any thread."""
        self.reader.give_back(size)
        if self.reader.room_grew():
            self._tell()

    def join(self, number):
        """Makes this session a lane of the one with that number."""
        with self._config.joining:
            main = self._config.sessions.get(number)
            if main is None or main is self or main.lanes.session is not main:
                raise Refused('not-found', 'no session of that number')
            if self.lanes.session is not self or self.lanes.used:
                raise Refused('bad-request', 'a lane already, or one that has lanes')
            main.lanes.admit(self)
            self.lanes = main.lanes
        if self.dead:                       # behind the admission: drop may have come before it
            self.lanes.leave(self)


def write_reply(verb, fields):
    """A reply never exceeds what a text may have: a path that does is cut
    out (it was the host's own, escaped to up to three times its length)."""
    payload = write_text(verb, fields)
    if len(payload) > TEXT_MAX:
        payload = write_text(verb, [f for f in fields if f[0] not in ('path', 'target')])
    return payload


class Config:
    """What all ports have in common."""

    def __init__(self, root, read_only=False, session_s=SESSION_S):
        self.root, self.read_only, self.session_s = root, read_only, session_s
        self.umask = read_umask()
        self.leftovers = Leftovers()
        self.decoders = Decoders()
        self.sessions = {}                  # by number: the active ones that may have lanes
        self.joining = threading.Lock()
        try:
            self.user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            self.user = str(os.geteuid())


def read_umask():
    """There's no way to read it without changing it: only before there are threads."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Endpoint:
    """The receiver's end of one port."""

    def __init__(self, config, port, device, worker, wake):
        self.config, self.port, self.device = config, port, device
        self.worker, self.wake = worker, wake
        self.frame, self.window = DEVICES[device]
        self.active = None
        self.pending = collections.OrderedDict()    # number -> Session
        self.out = []
        self._out_full = False
        self._unknown_at = -UNKNOWN_S

    # -- frames in -----------------------------------------------------------

    def handle(self, frame, now):
        if frame.type == HELLO:
            self._hello(frame, now)
            return
        if frame.type == WELCOME:
            return
        session = self._session(frame, now)
        if session is None:
            self._unknown(frame, now)
            return
        session.heard = now
        if frame.type & RELIABLE:
            self._reliable(session, frame, now)
        elif frame.type == ACK:
            self._ack(session, frame, now)
        elif frame.type == PING:
            self._ping(session, frame)
        elif frame.type == PONG:
            self._pong(session, frame, now)
        elif frame.type == RESET:
            log.info('%s: the host ended the session' % self.port)
            self.drop(session)

    def _session(self, frame, now):
        if self.active is not None and self.active.number == frame.session:
            return self.active
        session = self.pending.pop(frame.session, None)
        if session is not None:
            if frame.type == RESET:
                self.drop(session)
                return session
            if self.active is not None:
                log.info('%s: a new session replaces the old one' % self.port)
                self.drop(self.active)
            log.info('%s: session begins' % self.port)
            self.active = session
            if has_lanes(self.device):
                self.config.sessions[session.number] = session
        return session

    def _unknown(self, frame, now):
        if frame.type == RESET or now - self._unknown_at < UNKNOWN_S:
            return
        self._unknown_at = now
        self._send_reset(frame.session, [('code', 'unknown-session')])

    def _send_reset(self, session, fields):
        self._emit(encode(RESET, 0, 0, session, 0, write_text('reset', fields)))

    def _emit(self, data):
        if not self._out_full:
            self.out.append(data)

    def _reliable(self, session, frame, now):
        if frame.type == LANE and has_lanes(self.device):
            self._lane(session, frame)
            return
        size = len(frame.payload) + OVERHEAD
        if session.backlog > REPLIES_MAX:
            return                          # a host that takes no answers gets no further
        if not session.reader.offer(frame.sequence, size, frame.flags & FLAG_ASK):
            return
        payload, chunk = frame.payload, frame.chunk
        if chunk is not None and len(payload) >= FRAME_MIN:
            chunk.lent += 1
        else:                               # small: a copy costs less than a buffer kept busy
            payload, chunk = memoryview(bytes(payload)), None
        if frame.type == CONTROL and payload[:7] == b'cancel\n':
            session.requests.stop_put(frame.stream, bytes(payload))
        self._hold(session, frame, now)     # before the worker can be through with it
        self.worker.submit(session.perform, frame.type, frame.stream, payload, size, chunk, frame.flags)

    def _lane(self, session, frame):
        lanes = session.lanes
        main = lanes.session
        if main.backlog > REPLIES_MAX:
            return
        if len(frame.payload) < LANE_HEAD.size:
            self._protocol_error(session, 'sent a LANE frame without a number')
            return
        number, kind = LANE_HEAD.unpack_from(frame.payload)
        size = len(frame.payload) + OVERHEAD
        if not (lanes.has_room_for(number)
                and session.reader.offer(frame.sequence, size, frame.flags & FLAG_ASK)):
            return
        payload = memoryview(bytes(frame.payload))[LANE_HEAD.size:]
        if kind == CONTROL and payload[:7] == b'cancel\n':
            main.requests.stop_put(frame.stream, bytes(payload))
        lanes.take(session, number, size, (kind, frame.stream, payload, frame.flags))

    def _ack(self, session, frame, now):
        if len(frame.payload) < ACK_BODY.size:
            return
        upto, window = ACK_BODY.unpack_from(frame.payload)
        if not session.sender.acknowledged(upto, window, now):
            self._protocol_error(session, 'acknowledged what was never sent')
        elif frame.flags & FLAG_GAP:
            session.sender.gap()

    def _protocol_error(self, session, what):
        log.warning('%s: the host %s' % (self.port, what))
        self._send_reset(session.number, [('code', 'protocol')])
        self.drop(session)

    def _ping(self, session, frame):
        if len(frame.payload) < U32.size:
            return
        body = PONG_BODY.pack(U32.unpack_from(frame.payload)[0], *session.reader.told())
        self._emit(encode(PONG, 0, 0, session.number, 0, body))

    def _pong(self, session, frame, now):
        if len(frame.payload) < PONG_BODY.size:
            return
        ping_id, upto, window = PONG_BODY.unpack_from(frame.payload)
        if not session.sender.acknowledged(upto, window, now):
            self._protocol_error(session, 'acknowledged what was never sent')
        else:
            session.sender.pong(ping_id, upto)

    # -- HELLO ---------------------------------------------------------------

    def _hello(self, frame, now):
        for session in [self.active] + list(self.pending.values()):
            if session is not None and session.nonce == frame.session:
                session.heard = now if session is not self.active else session.heard
                self._emit(session.welcome)
                return
        try:
            verb, fields = read_text(frame.payload)
            low, high = hello_versions(verb, fields)
        except (BadText, Refused):
            return                          # outside a session: silence
        if low > PROTOCOL_HIGH or high < PROTOCOL_LOW:
            own = '%d-%d' % (PROTOCOL_LOW, PROTOCOL_HIGH)
            log.warning('%s: a host speaks protocol %d-%d, this receiver %s'
                        % (self.port, low, high, own))
            self._send_reset(frame.session, [('code', 'version'), ('protocol', own), (
                'message', 'this receiver speaks protocol version %s only' % own)])
            return
        self._welcome(frame.session, fields, min(high, PROTOCOL_HIGH), now)

    def _welcome(self, nonce, fields, version, now):
        try:
            window, largest = number_of(fields, 'window'), number_of(fields, 'frame')
        except Refused:
            return
        number = self._new_number()
        welcome = encode(WELCOME, 0, 0, nonce, 0, self._welcome_text(number, version))
        session = Session(number, nonce, welcome, self,
                          min(FRAME_MIN if window is None else window, WINDOW_MAX),
                          max(SIGNATURE_FRAME_MIN,
                              min(self.frame, FRAME_MIN if largest is None else largest)))
        session.heard = now
        self.pending[number] = session
        while len(self.pending) > PENDING_MAX:
            self.drop(self.pending.popitem(last=False)[1])
        self._emit(welcome)

    def _new_number(self):
        while True:
            number = U32.unpack(os.urandom(4))[0]
            if number and number not in self.pending and number not in self.config.sessions and (
                    self.active is None or self.active.number != number):
                return number

    def _welcome_text(self, number, version):
        fields = [('protocol', version), ('session', '%08x' % number),
                  ('agent', 'receiver.py/' + VERSION),
                  ('system', 'linux' if sys.platform.startswith('linux') else 'posix'),
                  ('separator', '/'), ('device', self.device), ('port', self.port),
                  ('user', self.config.user), ('frame', self.frame), ('window', self.window),
                  ('streams', STREAMS),
                  ('capabilities', self.config.decoders.capabilities() + (',lanes' if has_lanes(self.device) else ''))]
        if self.config.root.confined:
            fields.append(('root', self.config.root.path))
        if self.config.read_only:
            fields.append(('read-only', 1))
        return write_text('welcome', fields)

    # -- time and output -----------------------------------------------------

    def sessions(self):
        return ([self.active] if self.active else []) + list(self.pending.values())

    def tick(self, now):
        for session in self.sessions():
            if now - session.heard >= self.config.session_s:
                log.info('%s: the host is silent, session dropped' % self.port)
                self.drop(session)
        if self.active is not None:
            near = self.active.requests.near
            if near.until is not None and now >= near.until:
                near.until = None           # once
                self.worker.submit(near.forget)
            ping = self.active.sender.probe(now)
            if ping is not None:
                self._emit(encode(PING, 0, 0, self.active.number, 0, U32.pack(ping)))

    def deadline(self, now):
        """When tick is due next, None if never."""
        times = [s.heard + self.config.session_s for s in self.sessions()]
        if self.active is not None:
            times += [self.active.sender.deadline(), self.active.requests.near.until]
        return min((t for t in times if t is not None), default=None)

    def take_output(self, now, waiting=0):
        """All bytes to be sent now; `waiting` says how many the line has not
        taken yet."""
        self._out_full = waiting > OUT_MAX
        session = self.active
        if session is not None and not self._out_full:
            ack = session.reader.ack()
            if ack is not None:
                self.out.append(encode(ACK, ack[0], 0, session.number, 0, ACK_BODY.pack(*ack[1:])))
            session.collect(now)
            self.out.extend(session.sender.pump())
        if not self.out:
            return b''
        data, self.out = b''.join(self.out), []
        return data

    def _hold(self, session, frame, now):
        """Reading, waking and writing cost more than a small file does, the
        write to a virtio port most: so while the worker and a finisher are
        at small frames, further ones may collect on the line and the answers
        in the queue.  A line that has small frames only, or a small window,
        is not kept waiting."""
        if self.frame < FRAME_MIN:
            return
        if frame.type == COPY or len(frame.payload) >= FRAME_MIN:
            session.held_since = None
        elif session.held_since is None:
            session.held_since = now

    def held_until(self, now):
        """When the port is to be looked at again, None for at once."""
        session = self.active
        since = session.held_since if session is not None else None
        if since is None:
            return None
        if now - since >= HOLD_S or session.reader.held > session.reader.window // 4:
            session.held_since = None
            return None
        return since + HOLD_S

    def worker_rests(self):
        """In the worker, when it has nothing more to do for now."""
        session = self.active
        if session is not None and not session.requests.are_finishing:
            session.let_go()

    def drop(self, session):
        """Idempotent.  What the session has not finished is removed."""
        if session is self.active:
            self.active = None
        self.pending.pop(session.number, None)
        if not session.dead:
            session.dead = True
            self.config.sessions.pop(session.number, None)
            session.lanes.leave(session)
            # at once for a write that waits for its device; the rest in the worker's order
            session.requests.stop()
            self.worker.submit(session.requests.close)

    def start_over(self):
        """After a defect: no session can be relied on."""
        for session in self.sessions():
            self._send_reset(session.number, [('code', 'protocol')])
            self.drop(session)

    def close(self):
        """The receiver stops: tells the host."""
        if self.active is not None:
            self._out_full = False
            self._send_reset(self.active.number, [('code', 'bye')])
        for session in self.sessions():
            self.drop(session)


def hello_versions(verb, fields):
    match = re.match(br'([0-9]{1,4})-([0-9]{1,4})\Z', fields.get('protocol', b''))
    if verb != 'hello' or not match:
        raise Refused('bad-request', 'not a hello')
    return int(match.group(1)), int(match.group(2))

# ---------------------------------------------------------------------------
# Ports
# ---------------------------------------------------------------------------

GONE = (errno.ENODEV, errno.EIO, errno.ENXIO, errno.EBADF, errno.EPIPE, errno.ENOENT)
REOPEN_S = 1.0              # between attempts to open a port that vanished
UNPLUGGED_S = 5.0           # how often to look at a channel without a host, should no event come
NAP_MIN_S, NAP_MAX_S = 0.001, 0.02
CHANNEL_READ = 4096         # what the kernel gives per read of a virtio port


def device_of(path):
    """One of DEVICES by what the path leads to."""
    name = os.path.basename(os.path.realpath(path))
    if name.startswith('vport'):
        return 'channel'
    if name.startswith('hvc'):
        return 'console'
    if re.match(r'tty(S|AMA|USB|ACM|O|mxc|SC|UL|PS)[0-9]', name):
        return 'uart'
    if os.path.realpath(path).startswith('/dev/pts/'):
        return 'pty'
    return 'other'


class Device:
    """An open port: raw mode, FIFO trigger, and both put back by close."""

    def __init__(self, path, speed):
        self.path = path
        self.kind = device_of(path)
        self._saved = None
        self._trigger = None
        # a channel is opened exclusively by the kernel; O_NONBLOCK also keeps
        # the open of a serial line from waiting for a carrier
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISCHR(os.fstat(self.fd).st_mode):
                raise OSError(errno.ENOTTY, 'not a device')
            self._claim()
            if self.kind != 'channel':
                self._raw(speed)
            if self.kind == 'uart':
                self._raise_trigger()
        except BaseException:
            self.close()
            raise

    def _claim(self):
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(errno.EBUSY, 'another receiver serves it')
        except OSError:
            pass                            # devices without locks

    def _raw(self, speed):
        try:
            settings = termios.tcgetattr(self.fd)
        except termios.error as error:
            if error.args[0] == errno.ENOTTY:
                return                      # not a terminal: nothing to set
            raise OSError(*error.args)
        self._saved = [s if not isinstance(s, list) else list(s) for s in settings]
        settings[0] = termios.IGNBRK
        settings[1] = 0
        control = settings[2] & ~(termios.CSIZE | termios.PARENB | termios.CSTOPB
                                  | getattr(termios, 'CRTSCTS', 0) | termios.HUPCL)
        settings[2] = control | termios.CS8 | termios.CREAD | termios.CLOCAL
        settings[3] = 0
        if self.kind == 'uart' and speed is not None:
            settings[4] = settings[5] = speed
        settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
        try:
            termios.tcsetattr(self.fd, termios.TCSANOW, settings)
        except termios.error as error:
            raise OSError(*error.args)

    def _raise_trigger(self):
        """The UART interrupts once per so many bytes: 14 of 16 gives the
        fastest transfer.  Needs root; without it the transfer is slower."""
        path = '/sys/class/tty/%s/rx_trig_bytes' % os.path.basename(os.path.realpath(self.path))
        try:
            with open(path) as file:
                before = file.read().strip()
            if before != '14':
                with open(path, 'w') as file:
                    file.write('14')
                self._trigger = (path, before)
        except OSError as error:
            log.info('%s: receive trigger left as it is: %s' % (self.path, error.strerror))

    def close(self):
        """Idempotent."""
        if self.fd < 0:
            return
        try:
            if self._trigger is not None:
                with open(self._trigger[0], 'w') as file:
                    file.write(self._trigger[1])
        except OSError:
            pass
        try:
            if self._saved is not None:
                termios.tcsetattr(self.fd, termios.TCSANOW, self._saved)
        except (termios.error, OSError):
            pass                            # the device is gone
        fd, self.fd = self.fd, -1
        os.close(fd)


class Waker:
    """A pipe that ends a port thread's poll; `wake` from any thread.

    `_woken` spares a write where one is in the pipe already.  It is read and
    written without a lock: the GIL keeps the order in which threads do both."""

    def __init__(self):
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._woken = False

    def fileno(self):
        return self._read

    def wake(self, force=False):
        if self._woken and not force:
            return
        self._woken = True
        try:
            os.write(self._write, b'x')
        except OSError:
            pass                            # full: it is awake anyhow

    def clear(self):
        """Empties the pipe before it says so: a wake between the two then
        costs one look too many; the other way round it would be taken out
        unseen, and every later one be thought to be still in the pipe."""
        try:
            while len(os.read(self._read, 512)) == 512:
                pass
        except BlockingIOError:
            pass
        self._woken = False                 # and only then look for replies


class PortGone(Exception):
    pass


class Port:
    """Serves one device in a thread of its own."""

    def __init__(self, path, config, speed=None):
        self.path, self.config, self.speed = path, config, speed
        self.device = Device(path, speed)
        self.kind = self.device.kind
        self._waker = Waker()
        self._stopping = False
        self._unsent = b''
        self._hung = False
        self._edge = None                   # epoll object while no host is connected
        self._heard = 0.0                   # when the last bytes came
        self._byte_s = 5e-6                 # seconds a byte takes, once measured
        self._napped = False
        read_bytes = 16 * CHANNEL_READ if self.kind == 'channel' else 0
        largest = FRAME_MIN + LANE_HEAD.size if has_lanes(self.kind) else DEVICES[self.kind][0]
        self.parser = Parser(largest, read_bytes)
        self._reads = 16 if self.kind == 'channel' else 1
        self.worker = Worker(path)
        self.endpoint = Endpoint(config, path, self.kind, self.worker, self._waker.wake)
        self.worker.on_rest = self.endpoint.worker_rests
        self.thread = threading.Thread(target=self._run, name=path, daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self._stopping = True
        self._waker.wake(True)

    # -- the loop ------------------------------------------------------------

    def _run(self):
        while not self._stopping:
            try:
                self._serve()
            except PortGone as error:
                log.warning('%s: %s; waiting for it to come back' % (self.path, error))
                self._close_device()
                self._reopen()
            except Exception as error:      # a defect: the session is lost, the port goes on
                log.error('%s: defect: %s: %s' % (self.path, type(error).__name__, error))
                if log.level >= LEVELS.index('debug'):
                    import traceback
                    log.debug(traceback.format_exc())
                run_guarded(self._start_over)
                time.sleep(0.1)             # should it repeat, it must not spin
        self._finish()

    def _start_over(self):
        self.endpoint.start_over()
        self.parser.clear()

    def _finish(self):
        self.endpoint.close()
        run_guarded(self._say_bye)
        self.worker.stop(time.monotonic() + 3.0)
        self._close_device()

    def _say_bye(self):
        """What waits, then the RESET; a line that takes nothing is given
        half a second."""
        self._unsent += self.endpoint.take_output(time.monotonic(), 0)
        limit = time.monotonic() + 0.5
        poller = select.poll()
        if self.device.fd < 0:
            return
        poller.register(self.device.fd, select.POLLOUT)
        while self._unsent and time.monotonic() < limit:
            if any(event & (select.POLLHUP | select.POLLERR) for _, event in poller.poll(100)):
                return
            self._write()
        self._drain(limit)

    def _drain(self, limit):
        """Lets the bytes leave before the old settings come back."""
        if self.kind == 'channel':
            return
        word = bytearray(4)
        while time.monotonic() < limit:
            try:
                fcntl.ioctl(self.device.fd, termios.TIOCOUTQ, word)
            except OSError:
                return
            if not any(word):
                return
            time.sleep(0.01)

    def _close_device(self):
        self._close_edge()
        self.device.close()

    def _reopen(self):
        """Until the port is back or the receiver stops."""
        self.parser.clear()
        self._unsent = b''
        while not self._stopping:
            poller = select.poll()
            poller.register(self._waker, select.POLLIN)
            if poller.poll(int(REOPEN_S * 1000)):
                self._waker.clear()
            self.endpoint.tick(time.monotonic())
            self.endpoint.take_output(time.monotonic(), 0)      # into the void
            try:
                self.device = Device(self.path, self.speed)
            except OSError as error:
                log.debug('%s: %s' % (self.path, error.strerror))
                continue
            log.warning('%s: back' % self.path)
            return

    def _serve(self):
        poller = select.poll()
        poller.register(self._waker, select.POLLIN)
        poller.register(self.device.fd, select.POLLIN)
        wants_out = False
        while not self._stopping:
            now = time.monotonic()
            held = self.endpoint.held_until(now)
            if held is not None:
                self._rest(held - now)
                continue
            self._flush(now)
            if bool(self._unsent) != wants_out:
                wants_out = bool(self._unsent)
                poller.modify(self.device.fd, select.POLLIN | (select.POLLOUT if wants_out else 0))
            if self._hung:
                self._wait_for_host(self._timeout(now))
                continue
            ready = 0
            for fd, event in poller.poll(self._timeout(now)):
                if fd == self._waker.fileno():
                    self._waker.clear()
                else:
                    ready = event
            self._turn(ready)

    def _rest(self, seconds):
        """Until there is something to say, or so long."""
        poller = select.poll()
        poller.register(self._waker, select.POLLIN)
        if poller.poll(int(seconds * 1000) + 1):
            self._waker.clear()

    def _turn(self, ready):
        if ready & select.POLLNVAL:
            raise PortGone('the port is gone')
        if ready & select.POLLIN:
            self._nap()
            self._read()
        elif ready & (select.POLLHUP | select.POLLERR):
            self._hang_up()
        now = time.monotonic()
        if self.parser.kept and now - self._heard >= IDLE_S and not self._input_waits():
            self._heard = now
            self.parser.idle()
            self._dispatch(now)
        self.endpoint.tick(now)

    def _input_waits(self):
        """True if bytes came while a busy machine kept us from looking: the
        line was not idle then."""
        check = select.poll()
        check.register(self.device.fd, select.POLLIN)
        return bool(check.poll(0))

    def _timeout(self, now):
        """Milliseconds until something is due; None for never."""
        deadline = self.endpoint.deadline(now)
        if self.parser.kept:
            idle = self._heard + IDLE_S
            deadline = idle if deadline is None else min(deadline, idle)
        if deadline is None:
            return None
        return max(0, int((deadline - now) * 1000) + 1)

    # -- bytes in ------------------------------------------------------------

    def _nap(self):
        """A UART wakes us for every few bytes.  In the middle of a frame a
        short sleep lets them collect, which leaves the processor to the
        driver; no answer can be due before the frame is whole, and the
        window keeps what comes in that time far below the tty's buffer.
        True if it slept."""
        if self.kind != 'uart':
            return False
        nap = min(NAP_MAX_S, self.parser.missing * self._byte_s * 0.75)
        self._napped = nap > NAP_MIN_S
        if self._napped:
            time.sleep(nap)
        return self._napped

    def _learn_rate(self, count, now):
        """How long a byte takes on this line, from what came during a nap."""
        if self._napped and count > 64:
            took = (now - self._heard) / count
            self._byte_s += (min(max(took, 1e-6), 1e-4) - self._byte_s) / 8

    def _read(self):
        for _ in range(8):                  # then let output and clocks have their turn
            space = self.parser.space()
            try:
                if self._reads > 1:
                    # O_NONBLOCK makes the kernel fill one piece after the
                    # other as long as there is data: 64 KiB a call, not 4
                    pieces = [space[i * CHANNEL_READ:(i + 1) * CHANNEL_READ]
                              for i in range(self._reads)]
                    count = os.readv(self.device.fd, pieces)
                else:
                    count = os.readv(self.device.fd, [space])
            except BlockingIOError:
                count = None
            except OSError as error:
                if error.errno in GONE:
                    raise PortGone(error.strerror)
                raise
            if count == 0:
                self._hang_up()
                return
            if self._hung:
                self._host_is_back()
            if count is None:
                return
            now = time.monotonic()
            self._learn_rate(count, now)
            self._heard = now
            self.parser.filled(count)
            if self.parser.worth_a_look:
                self._dispatch(now)
                if count < 2048:
                    return
            elif count < 2048 and not self._nap():
                return                      # a nap again: nothing is due before the frame is whole

    def _dispatch(self, now):
        with self.worker:
            for frame in self.parser.frames():
                self.endpoint.handle(frame, now)

    def _hang_up(self):
        """No host at the other end.  A channel waits for one; a terminal
        whose other end is gone must be opened again."""
        if self.kind != 'channel':
            raise PortGone('the other end is closed')
        if not self._hung:
            log.debug('%s: no host is connected' % self.path)
        self._hung = True
        self._unsent = b''                  # nobody will read it
        self.parser.clear()

    def _wait_for_host(self, timeout):
        """poll() reports a channel without a host as readable at once and
        always, so it cannot wait for one: an edge-triggered epoll can."""
        limit = UNPLUGGED_S if timeout is None else min(UNPLUGGED_S, timeout / 1000.0)
        if self._edge is None:
            self._edge = select.epoll()
            self._edge.register(self.device.fd, select.EPOLLIN | select.EPOLLET)
            self._edge.register(self._waker, select.EPOLLIN)
            limit = 0                       # the first report may be of what we know: the read tells
        if any(fd == self._waker.fileno() for fd, _ in self._edge.poll(limit)):
            self._waker.clear()
        self._read()                        # 0 bytes: still nobody there
        self.endpoint.tick(time.monotonic())

    def _host_is_back(self):
        log.debug('%s: a host is connected' % self.path)
        self._close_edge()

    def _close_edge(self):
        if self._edge is not None:
            self._edge.close()
            self._edge = None
        self._hung = False

    # -- bytes out -----------------------------------------------------------

    def _flush(self, now):
        data = self.endpoint.take_output(now, len(self._unsent))
        if self._hung:
            return                          # lost, as on a cut line
        if data:
            self._unsent += data
        if self._unsent:
            self._write()

    def _write(self):
        try:
            self._unsent = self._unsent[os.write(self.device.fd, self._unsent):]
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno in GONE:
                raise PortGone(error.strerror)
            raise

# ---------------------------------------------------------------------------
# Which ports: the channel, extra serial ports, a console nobody uses
# ---------------------------------------------------------------------------

CHANNEL_NAME = 'org.guestwire.0'


def read_file(path):
    try:
        with open(path, errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def listed(directory):
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def find_channels():
    link = '/dev/virtio-ports/' + CHANNEL_NAME
    if os.path.exists(link):
        return [link]
    # without udev there are no links
    base = '/sys/class/virtio-ports'
    return ['/dev/' + port for port in listed(base)
            if read_file('%s/%s/name' % (base, port)).strip() == CHANNEL_NAME]


def find_serial_ports():
    """Names below /dev of UARTs that have hardware behind them, in order."""
    found = []
    for name in listed('/sys/class/tty'):
        match = re.match(r'(ttyS|ttyAMA)([0-9]+)\Z', name)
        if match and read_file('/sys/class/tty/%s/type' % name).strip() != '0':
            found.append((match.group(1) != 'ttyS', int(match.group(2)), name))
    return [name for _, _, name in sorted(found)]


def find_consoles():
    return [name for name in listed('/sys/class/tty') if re.match(r'hvc[0-9]+\Z', name)]


def kernel_consoles():
    names = set(read_file('/sys/class/tty/console/active').split())
    for line in read_file('/proc/consoles').splitlines():
        names.update(line.split()[:1])
    return names


def processes_using(path):
    """Ids of other processes that have a terminal open or are controlled by
    it: a login, a shell, another program."""
    try:
        target = os.stat(path).st_rdev
    except OSError:
        return []
    major, minor = os.major(target), os.minor(target)
    return [int(pid) for pid in listed('/proc')
            if pid.isdigit() and int(pid) != os.getpid() and uses(pid, target, major, minor)]


def uses(pid, target, major, minor):
    fields = read_file('/proc/%s/stat' % pid).rpartition(')')[2].split()
    if len(fields) > 4 and fields[4].lstrip('-').isdigit():
        number = int(fields[4]) & 0xffffffff        # tty_nr of the controlling terminal
        if ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00)) == (major, minor):
            return True
    for fd in listed('/proc/%s/fd' % pid):
        try:
            found = os.stat('/proc/%s/fd/%s' % (pid, fd))
        except OSError:
            continue
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == target:
            return True
    return False


def discover():
    """Paths of the ports to serve when none was named."""
    channels = find_channels()
    if not channels:
        log.info('no virtio channel %s' % CHANNEL_NAME)
    serial = find_serial_ports()
    extra = [n for n in serial if n not in ('ttyS0', 'ttyAMA0')]
    rest = find_consoles() + [n for n in serial if n not in extra]
    used, found = kernel_consoles(), list(channels)
    for name in extra + rest:
        path = '/dev/' + name
        if name in used:
            log.info('%s is left alone: the kernel writes its messages there' % path)
            continue
        holders = processes_using(path)
        if holders:
            log.info('%s is left alone: process %d uses it' % (path, holders[0]))
            continue
        found.append(path)
    return found

# ---------------------------------------------------------------------------
# Main
# ---------------------------------------------------------------------------

def speed_constant(text):
    value = getattr(termios, 'B' + text, None)
    if not text.isdigit() or value is None:
        raise argparse.ArgumentTypeError('not a line speed: ' + text)
    return value


def arguments_of(argv):
    parser = argparse.ArgumentParser(
        prog='receiver.py', description='Receives files from a Guestwire host over a serial port, '
        'a virtio console or a virtio channel.')
    parser.add_argument('ports', metavar='PORT', nargs='*',
                        help='device to serve, such as /dev/ttyS1 (default: every one that is free)')
    parser.add_argument('--root', metavar='DIR', help='write nothing outside this directory')
    parser.add_argument('--read-only', action='store_true', help='write nothing at all')
    parser.add_argument('--log-level', choices=LEVELS, default='warning')
    parser.add_argument('--speed', metavar='BAUD', type=speed_constant, default=termios.B115200,
                        help='of real serial lines (default: 115200)')
    parser.add_argument('--version', action='version', version='receiver.py %s, protocol %d'
                        % (VERSION, PROTOCOL_HIGH))
    return parser.parse_args(argv)


def session_seconds():
    """Tests cannot wait 30 s."""
    try:
        return int(os.environ['GUESTWIRE_TEST_SESSION_TIMEOUT_MS']) / 1000.0
    except (KeyError, ValueError):
        return SESSION_S


def open_ports(options, config):
    """Those that can be served.  A port that was named and cannot is an
    error; one that was found is only worth a remark."""
    named = list(collections.OrderedDict.fromkeys(options.ports))
    complain, ports = log.error if named else log.info, []
    for path in named or discover():
        try:
            ports.append(Port(path, config, options.speed))
        except OSError as error:
            complain('%s cannot be served: %s' % (path, error.strerror or error))
    if not ports and not named:
        log.error('no port can be served; name one, such as /dev/ttyS1 (--log-level info says why)')
    return ports


def same_terminal_as_stderr(port):
    try:
        return os.fstat(2).st_rdev == os.fstat(port.device.fd).st_rdev != 0
    except OSError:
        return False


def main(argv=None):
    options = arguments_of(argv)
    log.level = LEVELS.index(options.log_level)
    try:
        config = Config(Root(options.root), options.read_only, session_seconds())
    except OSError as error:
        log.error('--root %s: %s' % (options.root or '.', error.strerror))
        return 2
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    ports = open_ports(options, config)
    if not ports:
        return 1
    for port in ports:
        log.write('serving %s (%s)' % (port.path, port.kind))
    # on the very terminal that is served a log line would be noise in the stream
    log.muted = any(same_terminal_as_stderr(port) for port in ports)
    for port in ports:
        port.start()
    while not stopped.wait(3600):
        pass
    return shut_down(ports, config)


def shut_down(ports, config):
    for port in ports:
        port.stop()
    limit = time.monotonic() + 5.0
    for port in ports:
        port.thread.join(max(0.0, limit - time.monotonic()))
        port.device.close()
    config.leftovers.remove_all()           # of a worker that hangs on its disk
    return 0


if __name__ == '__main__':
    code = main()
    sys.stdout.flush()
    os._exit(code)                          # a thread stuck in the kernel must not keep us
