"""Frames, and how to find them in a stream with noise (PROTOCOL.md, section 1)."""

import collections
import zlib

from .knocks import Knocks
from .wire import FRAME_MIN, HEADER, HEADER_BYTES, MAGIC, OVERHEAD, U32

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
    views into the chunk, valid until the next `space()` unless lent.  The
    nonces of knocks in the noise go to `knocked`."""

    def __init__(self, limit, read_bytes=0, knocked=lambda nonce: None):
        self.limit = max(limit, FRAME_MIN)
        self._read = max(read_bytes, 4096)
        self._size = max(3 * (self.limit + OVERHEAD), 2 * self._read) + self._read
        self._chunk = Chunk(self._size)
        self._pool = []
        self._knocks = Knocks(knocked)
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
        self._knocks.tail = b''
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
        self._knocks.search(self._chunk.data, self._start, self._start + count)
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
        if at > self._start:
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
        self._knocks.tail = b''             # a frame within interrupts a knock
        return Frame(kind, flags, stream, session, sequence, payload, chunk)
