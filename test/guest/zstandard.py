"""Makes zstd streams, which no Python of before 3.14 does by itself."""

import ctypes


class Zstandard:
    """One zstd stream, by the other half of the library that receiver.py uses."""

    def __init__(self):
        self.library = ctypes.CDLL('libzstd.so.1')
        self.library.ZSTD_createCCtx.restype = ctypes.c_void_p
        self.library.ZSTD_compressStream2.restype = ctypes.c_size_t
        self.library.ZSTD_freeCCtx.argtypes = [ctypes.c_void_p]
        self.context = self.library.ZSTD_createCCtx()

    def __del__(self):
        self.library.ZSTD_freeCCtx(self.context)

    def piece(self, content, ends=False):
        size_t = ctypes.c_size_t
        out = ctypes.create_string_buffer(len(content) + len(content) // 128 + 1000)
        written, read = (size_t * 3)(ctypes.addressof(out), len(out), 0), (size_t * 3)(0, len(content), 0)
        source = ctypes.create_string_buffer(content, max(1, len(content)))
        read[0] = ctypes.addressof(source)
        left = self.library.ZSTD_compressStream2(ctypes.c_void_p(self.context), ctypes.byref(written),
                                                 ctypes.byref(read), 2 if ends else 1)
        assert left == 0 and read[2] == len(content), left
        return out.raw[:written[2]]
