"""Writing into a file that no rename can replace, from a temporary file that is whole."""

import errno
import os
import stat
import threading

from .errors import Refused, refused
from .log import log
from .names import temporary_name
from .wire import STEP

UNABLE = (errno.EBUSY, errno.EPERM, errno.EACCES)   # why a rename failed: a mount point, a folder one may not write


class Overwriting:
    """Files that are being written in place.  The end of the program waits for
    them: half of one would be worse than a late end."""

    def __init__(self):
        self._idle = threading.Condition()
        self._count = 0

    def __enter__(self):
        with self._idle:
            self._count += 1

    def __exit__(self, *_):
        with self._idle:
            self._count -= 1
            self._idle.notify_all()

    def wait(self):
        with self._idle:
            while self._count:
                self._idle.wait()


def may_write(place):
    try:
        return os.access(place.name, os.W_OK, dir_fd=place.directory)
    except OSError:
        return False


def open_spool(size, told):
    """A file without a name, in a folder that has room for it."""
    for folder in (os.environ.get('TMPDIR'), '/var/tmp', '/tmp'):
        try:
            room = os.statvfs(folder) if folder else None
            if room is None or size is not None and room.f_blocks and size > room.f_bavail * room.f_frsize:
                continue
            path = os.path.join(os.fsencode(folder), temporary_name())
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            os.unlink(path)
            return fd
        except OSError as error:
            log.debug('nothing can be kept in %s: %s' % (folder, error))
    raise Refused('no-space', 'no folder for temporary files has room for it', told, errno.ENOSPC)


def overwrite(source, place, size, execute, mtime, notes):
    """Makes the file at `place` one of these bytes.  Owner, links and all else
    of it stay; execute bits are added."""
    notes.add('in-place')
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    fd = os.open(place.name, flags, dir_fd=place.directory)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise Refused('is-special', 'the destination is no longer a file', place.path)
        reserve(fd, found.st_size, size, place.path)
        copy_all(source, fd, size)
        os.ftruncate(fd, size)
        notes.set_mode(fd, stat.S_IMODE(found.st_mode) | execute & 0o111)
        notes.set_times(fd, mtime)
        os.fsync(fd)
    finally:
        os.close(fd)


def reserve(fd, there, size, path):
    """Before the first byte is lost: room for what the file will grow by."""
    if size <= there or not hasattr(os, 'posix_fallocate'):
        return
    try:
        os.posix_fallocate(fd, there, size - there)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            os.ftruncate(fd, there)
            raise refused(error, path, writing=True)


def copy_all(source, fd, size):
    buffer, at = memoryview(bytearray(min(STEP, size))), 0
    os.lseek(source, 0, os.SEEK_SET)
    while at < size:
        count = os.readv(source, [buffer[:size - at]])
        if not count:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        done = 0
        while done < count:
            done += os.write(fd, buffer[done:count])
        at += count
