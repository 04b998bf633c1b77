"""Knocks: how a host finds out, without doing harm, who is at the other end (PROTOCOL.md, section 3)."""

import zlib

from .wire import KNOCK, KNOCK_BYTES, U32_MAX


class Knocks:
    """Looks for them in the bytes that the parser drops."""

    def __init__(self, found):
        self.found = found                  # is called with the nonce of each
        self.tail = b''                     # the last bytes dropped: a knock may have begun there

    def search(self, data, start, end):
        """data[start:end] was dropped, right behind what was dropped before."""
        most = KNOCK_BYTES - 1              # without one digit a knock isn't whole yet
        seam = self.tail + data[start:min(end, start + most)]
        self._look(seam, 0, len(seam))
        if end - start <= most:
            self.tail = seam[-most:]
        else:
            self._look(data, start, end)
            self.tail = bytes(data[end - most:end])

    def _look(self, data, start, end):
        at = data.find(KNOCK, start, end)
        while 0 <= at <= end - KNOCK_BYTES:
            nonce = nonce_of(data[at:at + KNOCK_BYTES])
            if nonce is not None:
                self.found(nonce)
            at = data.find(KNOCK, at + 1, end)


def nonce_of(digits):
    """None if it is no knock."""
    head, check = digits[:-10], digits[-10:]
    nonce = digits[len(KNOCK):-10]
    if not digits.isdigit() or int(nonce) > U32_MAX or int(check) != zlib.crc32(head):
        return None
    return int(nonce)
