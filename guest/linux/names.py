"""Names of temporary and partial files, and what becomes of those that are left over."""

import fcntl
import hashlib
import os
import re
import stat
import threading
import time

from .errors import Refused
from .log import log, printable
from .wire import PARTIAL_S

OLD_FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# The number of its inode makes a name ours: a user's file may have any other name, and a copy of ours has another number
OWN = re.compile(br'(\.guestwire-[0-9a-f]{8})-([0-9a-f]{1,16})(\.part|\.partial)\Z')


class Leftovers:
    """Temporary files that exist now.  When the program ends it removes them
    (or leaves a partial file) even if a worker hangs on its disk."""

    def __init__(self):
        self._lock = threading.Lock()
        self._files = {}

    def add(self, put):
        with self._lock:
            self._files[put] = (put.place.directory, put.temporary)

    def forget(self, put):
        with self._lock:
            self._files.pop(put, None)

    def remove_all(self):
        with self._lock:
            for put, (directory, name) in self._files.items():
                try:
                    if not put.stays():
                        os.unlink(name, dir_fd=directory)
                except OSError:
                    pass
            self._files.clear()


def own_name(name, fd):
    """That of an open file which has this name so far."""
    stem, dot, ending = name.rpartition(b'.')
    return b'%s-%x%s%s' % (stem, os.fstat(fd).st_ino, dot, ending)


def is_own_name(name, found):
    match = OWN.match(name)
    return match is not None and int(match.group(2), 16) == found.st_ino


def temporary_name():
    return b'.guestwire-' + os.urandom(4).hex().encode('ascii') + b'.part'


def partial_name(name):
    """Where a put of this name can be resumed; what is there has its inode's number in it, too."""
    return b'.guestwire-' + hashlib.sha256(name).hexdigest()[:8].encode('ascii') + b'.partial'


def numbered(name, number, longest=255):
    """`name (2).ext`; a leading dot does not begin an extension.  What would be
    too long loses the end of its stem, or else of its extension."""
    dot = name.rfind(b'.')
    if dot <= 0:
        dot = len(name)
    stem, suffix, extension = name[:dot], b' (%d)' % number, name[dot:]
    room = longest - len(suffix)
    if len(extension) >= room:
        stem, extension = name, b''
    return cut_to(stem, room - len(extension)) + suffix + extension


def cut_to(name, most):
    """So many bytes at most, and no part of a character of UTF-8."""
    if len(name) <= most:
        return name
    end = most
    while most - end < 3 and name[end] & 0xc0 == 0x80:
        end -= 1
    return name[:most if name[end] & 0xc0 == 0x80 else end]


def longest_name(place):
    """Bytes that a name may have there."""
    try:
        return os.fstatvfs(place.directory).f_namemax or 255
    except OSError:
        return 255


def free_name(place, first=2):
    """A Location beside `place` with a numbered name that is not taken."""
    longest = longest_name(place)
    for number in range(first, 100000):
        candidate = place.renamed(numbered(place.name, number, longest))
        try:
            if candidate.lstat() is None:
                return candidate
        except Refused:
            candidate.close()
            raise
        candidate.close()
    raise Refused('exists', 'too many names are taken', place.path)


def partial_files(place, name):
    """What there is of that `partial_name`; OSError if the directory can't be listed."""
    stem = name.rpartition(b'.')[0] + b'-'
    fd = os.open(b'.', os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place.directory)
    try:
        return [one for one in map(os.fsencode, os.listdir(fd)) if one.startswith(stem) and one.endswith(b'.partial')]
    finally:
        os.close(fd)


def sweep_orphans(place):
    """Removes temporary files whose receiver is gone: nobody locks them.
    Partial files stay for a while, to be resumed."""
    try:
        fd = os.open(b'.', os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place.directory)
    except OSError:
        return
    try:
        for name in os.listdir(fd):
            name = os.fsencode(name)
            if OWN.match(name):
                remove_orphan(fd, name, PARTIAL_S if name.endswith(b'.partial') else 0.0)
    except OSError as error:
        log.debug('looking for orphans: %s' % error)
    finally:
        os.close(fd)


def has_name(fd, name, directory):
    """False if the name is gone, or now belongs to another file."""
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return found.st_ino == os.fstat(fd).st_ino


def remove_orphan(directory, name, age_s):
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode) or not is_own_name(name, found):
            return
        if age_s and time.time() - found.st_mtime < age_s:
            return
        fd = os.open(name, OLD_FILE, dir_fd=directory)
    except OSError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # another sweep may have been faster, and the name be that of a new partial file
        if has_name(fd, name, directory):
            os.unlink(name, dir_fd=directory)
            log.info('removed the orphan %s' % printable(name))
    except OSError:
        pass                                # locked: its receiver lives
    finally:
        os.close(fd)
