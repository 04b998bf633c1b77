"""A name in an open directory: what paths lead to."""

import errno
import os

from .errors import refused
from .log import log

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


def name_of(directory):
    """Where the kernel says that an open directory is, None if it does not."""
    try:
        return os.readlink(b'/proc/self/fd/%d' % directory)
    except OSError:
        return None
