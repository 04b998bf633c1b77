"""What undoes the compression of a put (PROTOCOL.md, section 6)."""

import zlib

from .errors import Refused
from .log import log
from .wire import CAPABILITIES, STEP, ZSTD_WINDOW_LOG_MAX


class BadData(Exception):
    """Bytes with ENCODED that are not of the put's encoding."""


class Inflate:
    """Raw DEFLATE with a window of 32 KiB.  Every decoder has what this has,
    and is of one put."""

    def __init__(self, size):
        self._stream = zlib.decompressobj(-15)

    def step(self, data):
        """At most STEP of the bytes that data makes, and the input for the
        next step, which is None if no further step is needed."""
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
    or later.  Importing ctypes is slow, so it's imported only here."""

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
