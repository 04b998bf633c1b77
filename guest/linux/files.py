"""Facts of files, and how they are read and changed safely."""

import errno
import hashlib
import os
import stat

from .arguments import time_text
from .errors import Refused, refused
from .location import DIRECTORY
from .wire import STEP


def kind_of(found):
    """The `type` of stat."""
    if found is None:
        return 'none'
    for test, kind in ((stat.S_ISREG, 'file'), (stat.S_ISDIR, 'directory'),
                       (stat.S_ISLNK, 'symlink'), (stat.S_ISCHR, 'device')):
        if test(found.st_mode):
            return kind
    return 'special'


def is_unchanged(found, size, mtime):
    """rsync's quick check; file systems keep more or fewer digits."""
    return (stat.S_ISREG(found.st_mode) and found.st_size == size
            and mtime is not None and found.st_mtime_ns // 1000 == mtime // 1000)


def is_own_file(found):
    """Whether it's a regular file of this user with a single name."""
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == os.geteuid()


def exists(found, path):
    """`error code=exists` tells what is there."""
    extra = []
    if found is not None:
        extra = [('type', kind_of(found)), ('mtime', time_text(found.st_mtime_ns))]
        if stat.S_ISREG(found.st_mode):
            extra.insert(1, ('size', found.st_size))
    return Refused('exists', 'the name exists', path, errno.EEXIST, extra)


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


def set_mode(place, mode):
    change_mode(place, lambda found: kept_bits(found, mode))


def add_execute(place, bits):
    """Of a file; all else of its mode stays."""
    change_mode(place, lambda found: stat.S_IMODE(found.st_mode) | bits & 0o111)


def change_mode(place, change):
    """chmod that a link put there meanwhile can't lead elsewhere."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        fd = os.open(place.name, os.O_RDONLY | flags, dir_fd=place.directory)
    except PermissionError:
        if not hasattr(os, 'O_PATH'):
            raise
        # our own, but unreadable: O_PATH needs no permission, and chmod works through /proc
        fd = os.open(place.name, os.O_PATH | flags, dir_fd=place.directory)
        try:
            if stat.S_ISLNK(os.fstat(fd).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            os.chmod('/proc/self/fd/%d' % fd, change(os.fstat(fd)))
        finally:
            os.close(fd)
        return
    try:
        os.fchmod(fd, change(os.fstat(fd)))
    finally:
        os.close(fd)


def kept_bits(found, mode):
    """Directories keep the set-group-id bit they inherited."""
    if stat.S_ISDIR(found.st_mode):
        return mode & 0o1777 | found.st_mode & stat.S_ISGID
    return mode & 0o777
