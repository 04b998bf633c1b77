"""Error codes (PROTOCOL.md, section 5)."""

import errno
import os

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
    if code == 'no-space' and path is not None and not writing and lacks_inodes(path):
        code = 'no-inodes'
    return Refused(code, os.strerror(error.errno) if error.errno else str(error), path, error.errno)


def lacks_inodes(path):
    """ENOSPC has two causes.  Some file systems (btrfs) count no inodes: 0 of 0."""
    try:
        room = os.statvfs(os.path.dirname(path) or b'.')
    except OSError:
        return False
    return room.f_files > 0 and room.f_favail == 0
