"""Checksums of a file's blocks, by which a host finds what it needn't send (PROTOCOL.md, section 6)."""

import hashlib
import os
import time
import zlib

from .arguments import number_of, time_text
from .errors import Refused, refused
from .files import open_to_read
from .wire import (
    BLOCKS_MAX, BLOCK_MAX, BLOCK_MIN, OFFSET, SIGNATURE_ENTRY, SIGNATURE_QUEUE_MAX, STEP)


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
