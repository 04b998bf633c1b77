"""A bundle: many small files in one stream (PROTOCOL.md, section 6)."""

import errno
import os

from .arguments import PutOptions
from .errors import Refused
from .files import is_unchanged, kind_of
from .incoming import Transfer
from .keeping import Notes
from .location import DIRECTORY, Location
from .log import log, printable
from .put import Put
from .wire import (
    BUNDLE_MAX, DEPTH_MAX, GROUP, GROUP_DIRECTORIES, NO_MODE, NO_MTIME, RECORD, RECORDS_MAX)

UNNAMED = getattr(os, 'O_TMPFILE', 0)       # a file without a name: Linux, most file systems
WITHOUT_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.ENOSYS)


class Record:
    """`words` lead to the directory of the name `last`, which is empty if the
    record is about that directory itself."""

    __slots__ = ('number', 'name', 'words', 'last', 'mode', 'mtime', 'start', 'size')

    def __init__(self, number, name, mode, mtime, start, size):
        self.number = number
        self.name = name
        self.words, _, self.last = name.rpartition(b'/')
        if name.startswith(b'/'):
            self.words = b'/' + self.words  # an empty part, which leads nowhere
        self.mode = mode
        self.mtime = mtime
        self.start = start
        self.size = size


class Folders:
    """The directories that the names of a bundle lead to, each opened once.
    They are entered one part at a time and never by a link, so nothing leads
    away from the bundle's own directory."""

    def __init__(self, place):
        self.place = place
        self.fds = {b'': place.directory}
        self._foreign = {}                  # words -> whether the directory is another user's

    def enter(self, words):
        """The descriptor of a directory; OSError where there is none."""
        fd = self.fds.get(words)
        if fd is None:
            above, _, name = words.rpartition(b'/')
            fd = self.fds[words] = os.open(self.checked(name), DIRECTORY, dir_fd=self.enter(above))
        return fd

    def note_owner(self, words, notes):
        """Of what is made in a directory; asked of each once."""
        if words not in self._foreign:
            asked = Notes()
            asked.note_owner(os.geteuid(), os.fstat(self.enter(words)))
            self._foreign[words] = bool(asked.kinds)
        if self._foreign[words]:
            notes.add('owner')

    def checked(self, name):
        if name in (b'', b'.', b'..') or b'\0' in name:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return name

    def location(self, words, name):
        """For what is done as a put does it."""
        folder = os.path.join(self.place.path, words) if words else self.place.path
        path = os.path.join(folder, self.checked(name))
        return Location(os.dup(self.enter(words)), name, path)

    @property
    def are_many(self):
        return len(self.fds) > GROUP_DIRECTORIES

    def leave(self):
        """Idempotent."""
        for words, fd in self.fds.items():
            if words:
                os.close(fd)
        self.fds.clear()
        self.fds[b''] = self.place.directory


class Bundle(Transfer):
    """Held in memory until its hash has been checked.  Then every file is
    written without a name, flushed, and only then named, `GROUP` of them at a
    time.  What can't be done this way is `left` to the host, which puts it
    alone and so learns why."""

    def __init__(self, place, options, config, compares):
        Transfer.__init__(self, place, options, self._hold)
        if options.size is None or options.size > BUNDLE_MAX:
            raise Refused('bad-request', 'a bundle is of at most %d bytes' % BUNDLE_MAX)
        self.config = config
        self.compares = compares            # no contents: the host asks what is there
        self.content = bytearray(options.size)
        self.folders = Folders(place)
        self.records = []
        self.left, self.unchanged, self.absent, self.lacks_execute = [], [], [], []
        self.noted = {}                     # kind of a note -> numbers of records, a set
        self.on_new_folder = None           # gets the Location of a directory that was there before
        self._made = set()
        self._named = {}                    # words -> records named there since its last flush
        self._own_fds = -1
        self._unnamed = UNNAMED

    def _hold(self, data):
        end = self.incoming.received
        self.content[end - len(data):end] = data

    def answer(self):
        out = Transfer.answer(self)
        for key in ('left', 'unchanged', 'absent', 'lacks-execute'):
            numbers = getattr(self, key.replace('-', '_'))
            if numbers:
                out.append((key, number_list(numbers)))
        for kind, numbers in sorted(self.noted.items()):
            if numbers:
                out.append(('note-' + kind, number_list(sorted(numbers))))
        return out

    def begin_writing(self):
        """In the worker, once the hash has been checked: makes the directories
        at once, since later requests may need them."""
        self._parse()
        if not self.compares:
            for record in self.records:
                if not record.last and record.mtime == NO_MTIME:
                    self.incoming.stop_if_cancelled()
                    self._attempt(self._make_directory, record)
            self.folders.leave()

    def _parse(self):
        content = self.content = bytes(self.content)
        at, end = 0, self.incoming.received
        while at < end:
            if len(self.records) == RECORDS_MAX or end - at < RECORD.size:
                raise Refused('bad-request', 'more than %d records, or half a one' % RECORDS_MAX)
            name_bytes, mode, size, mtime = RECORD.unpack_from(content, at)
            start = at + RECORD.size + name_bytes
            name = content[at + RECORD.size:start]
            at = start if self.compares else start + size
            if at > end or not name or name.count(b'/') > DEPTH_MAX:
                raise Refused('bad-request', 'a record that is cut off or has no proper name')
            self.records.append(Record(len(self.records), name, mode, mtime, start, size))

    def finish(self):
        """In a finisher."""
        try:
            if self.compares:
                self._compare()
            else:
                self._write_files()
                for record in self.records:
                    if not record.last and record.mtime != NO_MTIME:
                        self.incoming.stop_if_cancelled()
                        self._attempt(self._set_attributes, record)
        finally:
            self.folders.leave()
            if self._own_fds >= 0:
                os.close(self._own_fds)
        self.left.sort()

    def _attempt(self, work, record):
        try:
            work(record)
        except (OSError, OverflowError, Refused) as error:
            if self.is_cancelled:
                raise
            self._leave_to_host(record, error)

    def _leave_to_host(self, record, error):
        log.debug('left to the host: %s: %s' % (printable(record.name), error))
        self.left.append(record.number)

    def _note(self, record, notes):
        for kind in notes.kinds:
            self.noted.setdefault(kind, set()).add(record.number)

    # -- directories ---------------------------------------------------------

    def _make_directory(self, record):
        above, _, name = record.words.rpartition(b'/')
        directory = self.folders.enter(above)
        try:
            os.mkdir(self.folders.checked(name), record.mode & 0o777, dir_fd=directory)
        except FileExistsError:
            self.folders.enter(record.words)    # OSError if it is none
            return
        self._made.add(record.words)
        notes = Notes()
        self.folders.note_owner(above, notes)
        if record.mode != NO_MODE and record.mode & (self.config.umask | 0o1000):
            with self.folders.location(above, name) as place:
                notes.set_mode_at(place, record.mode)
        self._note(record, notes)
        if self.folders.are_many:
            self.folders.leave()

    def _set_attributes(self, record):
        above, _, name = record.words.rpartition(b'/')
        with self.folders.location(above, name) as place:
            if kind_of(place.lstat()) != 'directory':
                raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            notes = Notes()
            if record.mode != NO_MODE:
                notes.set_mode_at(place, record.mode)
            notes.set_times_at(place, record.mtime)
        self._note(record, notes)
        if self.folders.are_many:
            self.folders.leave()

    # -- files ---------------------------------------------------------------

    def _compare(self):
        for record in self.records:
            self.incoming.stop_if_cancelled()
            try:
                found = os.stat(self.folders.checked(record.last), follow_symlinks=False,
                                dir_fd=self.folders.enter(record.words))
            except FileNotFoundError:
                self.absent.append(record.number)
                continue
            except OSError:
                continue
            if is_unchanged(found, record.size, record.mtime):
                self.unchanged.append(record.number)
                if record.mode != NO_MODE and record.mode & 0o111 & ~found.st_mode:
                    self.lacks_execute.append(record.number)
            if self.folders.are_many:
                self.folders.leave()

    def _write_files(self):
        group = []                          # (record, descriptor of its directory, its own)
        folders = self.folders.fds
        try:
            for record in self.records:
                if not record.last:
                    continue
                if self.is_cancelled:
                    self.incoming.stop_if_cancelled()
                try:
                    directory = folders.get(record.words)
                    if directory is None:
                        directory = self._folder(record.words)
                    fd = self._write_unnamed(record, directory)
                    if fd is None:
                        self._put_alone(record)
                    else:
                        group.append((record, directory, fd))
                except (OSError, OverflowError, Refused) as error:
                    self._leave_to_host(record, error)
                if len(group) >= GROUP or len(folders) > GROUP_DIRECTORIES:
                    self._name_group(group)
        finally:
            if self.is_cancelled:
                close_all(group)
            else:
                self._name_group(group)

    def _folder(self, words):
        directory = self.folders.enter(words)
        if words not in self._made and self.on_new_folder is not None:
            self.on_new_folder(Location(directory, b'.', words))
        return directory

    def _write_unnamed(self, record, directory):
        """A descriptor, None where the file system wants every file named."""
        if not self._unnamed or not self._can_name():
            return None
        mode = 0o666 if record.mode == NO_MODE else record.mode & 0o777
        try:
            fd = os.open(b'.', self._unnamed | os.O_WRONLY | os.O_CLOEXEC, mode, dir_fd=directory)
        except OSError as error:
            if error.errno not in WITHOUT_UNNAMED:
                raise
            self._unnamed = 0
            return None
        try:
            notes = Notes()
            self.folders.note_owner(record.words, notes)
            if mode & self.config.umask and record.mode != NO_MODE:
                notes.set_mode(fd, mode)
            data = self.content[record.start:record.start + record.size]
            done = os.write(fd, data)
            while done < record.size:
                done += os.write(fd, data[done:])
            # begins to write it to the disk: a flush of many then costs little more than one
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            if record.mtime != NO_MTIME:
                notes.set_times(fd, record.mtime)
            self._note(record, notes)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _name_group(self, group):
        """Flushes all of them, then names them, then flushes their directories."""
        flushed = []
        try:
            for one in group:
                try:
                    os.fsync(one[2])
                    flushed.append(one)
                except OSError as error:
                    self._leave_to_host(one[0], error)
            for record, directory, fd in flushed:
                if self.is_cancelled:
                    self.incoming.stop_if_cancelled()
                try:
                    self._name(record, directory, fd)
                except FileExistsError:
                    self._attempt(self._replace, record)
                except OSError as error:
                    self._leave_to_host(record, error)
        finally:
            close_all(group)
            self._flush_directories()
            if self.folders.are_many:
                self.folders.leave()

    def _can_name(self):
        """It takes /proc to give a name to what is only open."""
        if self._own_fds < 0:
            try:
                self._own_fds = os.open('/proc/self/fd', DIRECTORY)
            except OSError:
                self._unnamed = 0
        return self._own_fds >= 0

    def _name(self, record, directory, fd):
        os.link(b'%d' % fd, self.folders.checked(record.last), src_dir_fd=self._own_fds,
                dst_dir_fd=directory, follow_symlinks=True)
        named = self._named.get(record.words)
        if named is None:
            named = self._named[record.words] = []
        named.append(record.number)

    def _flush_directories(self):
        for words, numbers in self._named.items():
            with Location(os.dup(self.folders.enter(words)), b'.', self.place.path) as place:
                if place.flush_directory() is not None:
                    self.left += numbers
        self._named = {}

    def _replace(self, record):
        if self.conflict != 'overwrite':
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        self._put_alone(record)

    def _put_alone(self, record):
        """The long way, by a temporary name: over an existing file, or where
        the file system has no unnamed files."""
        options = PutOptions(
            conflict='overwrite' if self.conflict == 'overwrite' else 'fail', size=record.size,
            mode=None if record.mode == NO_MODE else record.mode,
            mtime=None if record.mtime == NO_MTIME else record.mtime)
        put = Put(self.folders.location(record.words, record.last), options, self.config)
        try:
            put.begin(False)
            if put.kind != 'file':
                raise Refused('is-special', 'not for a bundle', put.place.path)
            put.incoming.add(self.content[record.start:record.start + record.size])
            put.finish()
        finally:
            put.close()
        for numbers in self.noted.values():     # what was noted of its unnamed file
            numbers.discard(record.number)
        self._note(record, put.notes)
        self._named.setdefault(record.words, []).append(record.number)


def close_all(group):
    for _, _, fd in group:
        os.close(fd)
    del group[:]


def number_list(numbers):
    """Ascending numbers as text: 3,7-9."""
    runs = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ','.join('%d' % first if first == last else '%d-%d' % (first, last) for first, last in runs)
