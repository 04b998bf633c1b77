"""A put: temporary file, hash on the way, flush, rename (PROTOCOL.md, section 5)."""

import errno
import fcntl
import os
import select
import stat
import time

from .errors import Refused, refused
from .files import exists, is_own_file, is_unchanged, kind_of, open_to_read
from .in_place import UNABLE, may_write, open_spool, overwrite
from .incoming import DROP, Transfer
from .keeping import Notes, take_over
from .log import log, printable
from .names import free_name, has_name, partial_name, sweep_orphans, temporary_name
from .wire import DEVICE_WAIT_S, PARTIAL_MIN, SMALL


class Put(Transfer):
    """One file being received: temporary file, flush, rename."""

    def __init__(self, place, options, config):
        Transfer.__init__(self, place, options, self._write, self._start_over)
        self.mode, self.mtime = options.mode, options.mtime
        self.config = config
        self.notes = Notes()
        self.left = []                      # what else is said of a file that is unchanged
        self.fd = -1
        self.kind = 'file'
        self.temporary = None
        self._skips_unchanged, self._wants_basis = options.skips_unchanged, options.wants_basis
        self._partial_name = partial_name(place.name) if options.resumes else None
        self._resumable = False             # `temporary` is a partial file, and nothing has failed
        self._replaces = False              # the name existed when the put began
        self._in_place = False              # it can't be replaced, so it will be written into

    def stays(self):
        """Whether what is there now would outlive the put."""
        return (self._resumable and self.incoming.stopping != DROP
                and self.incoming.received >= PARTIAL_MIN)

    def fail(self):
        self._resumable = False

    # -- begin ---------------------------------------------------------------

    def begin(self, sweep):
        """Opens the destination.  Returns None, or why it was skipped."""
        found = self.place.lstat()
        if self._skips_unchanged and found is not None and is_unchanged(found, self.incoming.size, self.mtime):
            self.left.append(('mode', '%o' % stat.S_IMODE(found.st_mode)))
            return 'unchanged'
        if found is not None:
            if stat.S_ISCHR(found.st_mode):
                return self._open_device()
            if self._wants_basis:
                self._open_basis(found)
            skipped = self._settle(found)
            if skipped:
                return skipped
        elif self.place.name == b'.':
            raise Refused('is-directory', 'the destination is a directory', self.place.path)
        if sweep:
            sweep_orphans(self.place)
        try:
            self._open_file()
        except Refused as error:
            unable = self._replaces and error.code in ('permission', 'read-only-filesystem')
            if not unable or self.fd >= 0 or not may_write(self.place):
                raise
            self.fd, self._in_place = open_spool(self.incoming.size, self.place.path), True
        return None

    def _open_file(self):
        if self._partial_name is not None:
            self._adopt_partial()
        self._check_space()
        if self.fd < 0 and self._partial_name is not None:
            self._create(self._partial_name)
        if self.fd < 0:
            self._open_temporary()

    def _open_basis(self, found):
        """The file that may be copied from; without one the host sends all."""
        if not stat.S_ISREG(found.st_mode):
            return
        try:
            basis, found = open_to_read(self.place)
        except Refused as error:
            log.debug('no basis: %s' % error.message)
            return
        self.incoming.use_basis(basis, found.st_size)

    def _settle(self, found):
        """What `conflict` says about an existing name."""
        kind, path = kind_of(found), self.place.path
        if self.conflict == 'skip':
            return 'exists'
        if self.conflict == 'rename' and self.place.name != b'.':
            taken, self.place = self.place, free_name(self.place)
            taken.close()
            return None
        if kind != 'file':
            raise Refused('is-' + kind, 'the destination is a %s' % kind, path)
        if self.conflict == 'fail':
            raise exists(found, path)
        if self.conflict == 'newer':
            if self.mtime is None:
                raise Refused('bad-request', 'conflict=newer needs mtime', path)
            if self.mtime <= found.st_mtime_ns:
                return 'not-newer'
        self._replaces = True
        return None

    def _check_space(self):
        """Room for what is still to come."""
        try:
            room = os.fstatvfs(self.place.directory)
        except OSError:
            return                          # the write will tell
        if room.f_flag & os.ST_RDONLY:
            raise refused(OSError(errno.EROFS, os.strerror(errno.EROFS)), self.place.path)
        if not self.incoming.size:
            return
        needed = self.incoming.size - self.incoming.received
        blocks = room.f_bfree if os.geteuid() == 0 else room.f_bavail
        if room.f_blocks and needed > blocks * room.f_frsize:
            raise Refused('no-space', '%d bytes are needed, %d are free'
                          % (needed, blocks * room.f_frsize), self.place.path, errno.ENOSPC)

    def _open_temporary(self):
        for _ in range(100):
            if self._create(temporary_name()):
                return
        raise Refused('io', 'no temporary file could be made', self.place.path)

    def _create(self, name):
        """False if the name is taken."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(name, flags, 0o600, dir_fd=self.place.directory)
        except FileExistsError:
            return False
        except OSError as error:
            raise refused(error, self.place.path)
        # a file system without locks: no sweep there either, but nothing to resume
        locked = self._lock(fd, name)
        if locked is False:
            os.close(fd)
            return False
        self._write_to(fd, name)
        self._resumable = bool(locked) and name == self._partial_name
        return True

    def _write_to(self, fd, name):
        self.fd, self.temporary = fd, name
        self.config.leftovers.add(self)

    def _adopt_partial(self):
        """Takes what an earlier put left under this name, if it's certainly
        ours: we must not write through a link to another file, or share
        another put's file.  Anything else keeps the name."""
        name, directory = self._partial_name, self.place.directory
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            if not is_own_file(os.stat(name, dir_fd=directory, follow_symlinks=False)):
                return
            fd = os.open(name, flags, dir_fd=directory)
        except OSError:
            return                          # mostly: there is none
        found = os.fstat(fd)
        if not is_own_file(found) or not self._lock(fd, name):
            os.close(fd)
            return
        self._write_to(fd, name)
        self._resumable = True
        try:
            Notes().set_mode(fd, 0o600)
            if self.incoming.size is not None and found.st_size > self.incoming.size:
                os.ftruncate(fd, 0)         # of another file
                return
        except OSError as error:
            raise refused(error, self.place.path)
        self.incoming.offer(found.st_size)

    def _lock(self, fd, name):
        """False if somebody else has it, which may be a sweep that took the
        file for an orphan between our open and our lock; None if this file
        system has no locks."""
        locked = True
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            locked = None
        return locked if has_name(fd, name, self.place.directory) else False

    def _open_device(self):
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            self.fd = os.open(self.place.name, flags, dir_fd=self.place.directory)
        except OSError as error:
            raise refused(error, self.place.path)
        if not stat.S_ISCHR(os.fstat(self.fd).st_mode):
            raise Refused('is-special', 'the destination changed while it was opened', self.place.path)
        self.kind = 'device'

    # -- data ----------------------------------------------------------------

    def _start_over(self):
        """The host doesn't resume: what an earlier put left goes."""
        try:
            os.ftruncate(self.fd, 0)
            os.lseek(self.fd, 0, os.SEEK_SET)
        except OSError as error:
            raise refused(error, self.place.path, writing=True)

    def _write(self, data):
        try:
            done = os.write(self.fd, data)
            while done < len(data):
                done += self._write_rest(data[done:])
        except BlockingIOError:
            self._write_slowly(data)
        except OSError as error:
            raise refused(error, self.place.path, writing=True)

    def _write_rest(self, data):
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            self._write_slowly(data)
            return len(data)

    def _write_slowly(self, data):
        """To a device that takes no more at the moment."""
        poller = select.poll()
        poller.register(self.fd, select.POLLOUT)
        limit = time.monotonic() + DEVICE_WAIT_S
        while len(data):
            self.incoming.stop_if_cancelled()
            if time.monotonic() > limit:
                raise Refused('io', 'the device takes no data', self.place.path, errno.ETIMEDOUT)
            poller.poll(200)
            try:
                data = data[os.write(self.fd, data):]
                limit = time.monotonic() + DEVICE_WAIT_S
            except BlockingIOError:
                time.sleep(0.01)            # a device whose poll promises what write denies
            except OSError as error:
                raise refused(error, self.place.path, writing=True)

    # -- end -----------------------------------------------------------------

    def answer(self):
        return Transfer.answer(self) + self.notes.fields()

    @property
    def is_small(self):
        return self.kind == 'file' and self.incoming.received <= SMALL

    def finish(self):
        """Gives the whole file its name; the caller flushes the directory.
        Runs in a finisher."""
        if self.kind == 'file':
            try:
                self._finish_file()
            except OSError as error:
                raise refused(error, self.place.path)

    def _finish_file(self):
        if self._in_place:
            self._overwrite()
            return
        self._set_attributes(self.place.lstat() if self._replaces else None)
        self.incoming.stop_if_cancelled()
        if self._replaces and 'owner' in self.notes.kinds and may_write(self.place):
            self._overwrite()               # what keeps the owner
            return
        try:
            self._name_it()
        except OSError as error:
            if not self._replaces or error.errno not in UNABLE or not may_write(self.place):
                raise
            self._overwrite()
            return
        self.config.leftovers.forget(self)
        self.temporary = None

    def _overwrite(self):
        """A temporary file that there may be is removed by close()."""
        self._resumable = False
        self.notes = Notes()
        with self.config.overwriting:
            self.incoming.stop_if_cancelled()   # for the last time
            overwrite(self.fd, self.place, self.incoming.received, self.mode or 0, self.mtime, self.notes)

    def _set_attributes(self, found):
        """`found` is what the file will replace."""
        if found is not None and stat.S_ISREG(found.st_mode):
            take_over(self.fd, self.place, found, self.mode or 0, self.notes)
        else:
            mode = 0o666 & ~self.config.umask if self.mode is None else self.mode & 0o777
            self.notes.set_mode(self.fd, mode)
            self.notes.note_owner(os.fstat(self.fd).st_uid, os.fstat(self.place.directory))
        self.notes.set_times(self.fd, self.mtime)
        try:
            os.fsync(self.fd)
        except OSError as error:
            raise refused(error, self.place.path, writing=True)

    def _name_it(self):
        while True:
            if self._replaces:
                found = self.place.lstat()
                if found is not None and not stat.S_ISREG(found.st_mode):
                    kind = kind_of(found)
                    kind = 'special' if kind == 'device' else kind
                    raise Refused('is-' + kind, 'the destination became a %s' % kind, self.place.path)
                os.rename(self.temporary, self.place.name,
                          src_dir_fd=self.place.directory, dst_dir_fd=self.place.directory)
                return
            if self._name_new():
                return
            # somebody made the name in the meantime
            if self.conflict == 'overwrite':
                self._replaces = True
                self._set_attributes(self.place.lstat())
            elif self.conflict == 'rename':
                self._next_name()
            else:
                found = self.place.lstat()
                raise exists(found, self.place.path)

    def _next_name(self):
        taken, self.place = self.place, free_name(self.place)
        self.config.leftovers.add(self)
        taken.close()

    def _name_new(self):
        """Like rename, but never over an existing name; False if there is one."""
        directory = self.place.directory
        try:
            os.link(self.temporary, self.place.name, src_dir_fd=directory,
                    dst_dir_fd=directory, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS,
                                   errno.EMLINK, errno.EINVAL, errno.EACCES):
                raise
            # a file system without hard links: a small race remains
            if self.place.lstat() is not None:
                return False
            os.rename(self.temporary, self.place.name, src_dir_fd=directory, dst_dir_fd=directory)
            return True
        os.unlink(self.temporary, dir_fd=directory)
        return True

    def close(self):
        """Idempotent; what is unfinished goes, or waits to be resumed."""
        if self.temporary is not None:
            try:
                if self.stays():
                    self._leave()
                else:
                    os.unlink(self.temporary, dir_fd=self.place.directory)
            except OSError as error:
                log.warning('leaving or removing %s: %s' % (printable(self.temporary), error))
            self.config.leftovers.forget(self)
            self.temporary = None
        Transfer.close(self)
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def _leave(self):
        """A commit that did not get to its end may have set all of it already."""
        Notes().set_mode(self.fd, 0o600)
        if os.fstat(self.fd).st_uid != os.geteuid():
            os.fchown(self.fd, os.geteuid(), -1)
        os.utime(self.fd)
        log.info('kept %d bytes in %s' % (self.incoming.received, printable(self.temporary)))
