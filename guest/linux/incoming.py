"""What puts and bundles share: their states, and the stream of bytes that comes in."""

import hashlib
import os

from .decoders import BadData
from .errors import Refused, refused
from .wire import COPY_RANGE, STEP

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
        # KEEP or DROP once it has to stop.  One attribute, so that another thread sees both
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
        """From any thread: makes whoever is working on it stop at its next step."""
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
