"""What a file should have besides its bytes.  What the system refuses is a note of the answer."""

import errno
import os
import stat

from .files import set_mode
from .log import log

ACL = 'system.posix_acl_access'
# Signatures of the old bytes, and the rights of the old program, which the kernel takes from whatever is written to.
OF_CONTENT = ('security.ima', 'security.evm', 'security.capability')
EVERYWHERE = (315532800 * 10 ** 9, 2 ** 31 * 10 ** 9)   # times from 1980 (FAT) to 2038
COARSEST = 2 * 10 ** 9                          # of FAT's clock
WITHOUT_XATTRS = (errno.EOPNOTSUPP, errno.ENOSYS)


class Notes:
    """What an answer says of things that could not be had, each once.
    `strict`: what the system refuses is an error after all."""

    def __init__(self, strict=False):
        self.kinds = []
        self._strict = strict

    def add(self, kind):
        if kind not in self.kinds:
            self.kinds.append(kind)

    def attempt(self, kind, work, *arguments, **where):
        """False, and a note, if the system refuses it."""
        try:
            work(*arguments, **where)
            return True
        except (OSError, OverflowError) as error:
            if self._strict and isinstance(error, OSError):
                raise
            log.debug('no %s: %s' % (kind, error))
            self.add(kind)
            return False

    def set_mode(self, fd, mode):
        """Of an open file.  Some file systems refuse even the mode that it has."""
        if stat.S_IMODE(os.fstat(fd).st_mode) != mode:
            self.attempt('mode', os.fchmod, fd, mode)

    def set_times(self, target, nanoseconds, **where):
        if nanoseconds is None or not self.attempt('times', os.utime, target, ns=(nanoseconds, nanoseconds), **where):
            return
        # where not every file system can go, some take the nearest time that they have without a word
        if not EVERYWHERE[0] <= nanoseconds < EVERYWHERE[1]:
            if abs(os.stat(target, **where).st_mtime_ns - nanoseconds) > COARSEST:
                self.add('times')

    def set_mode_at(self, place, mode):
        if mode is not None:
            self.attempt('mode', set_mode, place, mode)

    def set_times_at(self, place, nanoseconds):
        self.set_times(place.name, nanoseconds, dir_fd=place.directory, follow_symlinks=False)

    def note_owner(self, owner, folder):
        """Of something new.  In a folder for everybody (/tmp) nobody expects that of the folder."""
        if owner != folder.st_uid and not folder.st_mode & stat.S_ISVTX:
            self.add('owner')

    def fields(self):
        return [('notes', ','.join(self.kinds))] if self.kinds else []


def take_over(fd, place, found, execute, notes):
    """Gives a new file, which only its owner may use so far, what the one at
    `place` has: owner, extended attributes and, last, mode, with these execute
    bits added.  At no time more users may read it than may read that one."""
    Notes().set_mode(fd, 0o600)
    mode = wanted = stat.S_IMODE(found.st_mode) | execute & 0o111
    if found.st_nlink > 1:
        notes.add('links')
    keeps_user, keeps_group = take_owner(fd, found, notes)
    keeps_acl = take_xattrs(fd, place, notes)
    if not (keeps_user and keeps_group):
        mode &= ~0o6000                     # they would be another's rights
    if not (keeps_group and keeps_acl):
        mode &= ~0o070 | mode << 3          # another group, or more of it: no more than anybody may
    if mode != wanted:
        notes.add('mode')
    notes.set_mode(fd, mode)


def take_owner(fd, found, notes):
    """Whether the file has user and group of the other."""
    made = os.fstat(fd)
    if (made.st_uid, made.st_gid) == (found.st_uid, found.st_gid):
        return True, True
    if not notes.attempt('owner', os.fchown, fd, found.st_uid, found.st_gid):
        notes.attempt('owner', os.fchown, fd, -1, found.st_gid)     # perhaps at least that
    made = os.fstat(fd)
    return made.st_uid == found.st_uid, made.st_gid == found.st_gid


def take_xattrs(fd, place, notes):
    """False if an access control list is lost."""
    if not hasattr(os, 'listxattr'):
        return True
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        old, where = os.open(place.name, flags, dir_fd=place.directory), {}
    except OSError:                         # not to be read, but asked
        old, where = b'/proc/self/fd/%d/%s' % (place.directory, place.name), {'follow_symlinks': False}
    try:
        copy_xattrs(old, fd, where, notes)
    except OSError as error:
        if error.errno not in WITHOUT_XATTRS:
            notes.add('xattr')
    finally:
        if isinstance(old, int):
            os.close(old)
    return 'acl' not in notes.kinds


def copy_xattrs(old, fd, where, notes):
    names, own = os.listxattr(old, **where), os.listxattr(fd)
    for name in names:
        kind = 'acl' if name.startswith('system.') else 'xattr'
        try:
            value = os.getxattr(old, name, **where)
            if name not in OF_CONTENT and (name not in own or os.getxattr(fd, name) != value):
                os.setxattr(fd, name, value)
        except OSError as error:
            log.debug('no %s: %s' % (name, error))
            if error.errno != errno.ENODATA:
                notes.add(kind)
    if ACL in own and ACL not in names:     # inherited from the folder
        os.removexattr(fd, ACL)
