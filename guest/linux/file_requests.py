"""The requests about a single name."""

import errno
import os

from .arguments import conflict_of, mode_of, mtime_of, option_of
from .errors import Refused, refused
from .files import add_execute, describe, exists, hash_file, kind_of
from .keeping import Notes
from .location import Location
from .names import free_name, temporary_name

BUSY = object()             # stands in `open` for a stat whose file a finisher hashes


class FileRequests:
    """The verbs of one session about a name: `stat`, `mkdir`, `symlink` and
    `attributes`."""

    def __init__(self, requests):
        self._requests, self._root = requests, requests.root

    def stat(self, stream, fields):
        wanted = fields.get('hash')
        if wanted not in (None, b'sha256'):
            raise Refused('unsupported', 'hash unknown')
        follow = fields.get('follow') != b'0'
        try:
            place = self._root.locate(fields['path'], follow)
        except Refused as error:
            if error.code != 'no-directory':
                raise
            self._requests.done(stream, [('type', 'none'), ('path', os.path.join(self._root.path, fields['path']))])
            return
        with place:
            found = place.lstat()
            out = describe(place, found)
            if wanted is None or kind_of(found) != 'file':
                self._requests.done(stream, out)
                return
            kept = Location(os.dup(place.directory), place.name, place.path)
        self._requests.open[stream] = BUSY
        self._requests.finish(lambda: self._hash(stream, kept, out))

    def _hash(self, stream, place, out):
        try:
            with place:
                digest = hash_file(place, lambda: self._requests.closed)
        except Exception as error:
            if not self._requests.closed:
                self._requests.fail(stream, error)
            return
        if not self._requests.closed:
            self._requests.done(stream, out + [('sha256', digest)])

    def mkdir(self, stream, fields):
        mode = mode_of(fields)
        path = fields['path'].rstrip(b'/') or b'/'
        with self._root.locate(path) as place:
            try:
                if place.name == b'.':
                    raise FileExistsError(errno.EEXIST, '')
                os.mkdir(place.name, dir_fd=place.directory)
            except FileExistsError:
                self._existing_directory(stream, path, place)
                return
            except OSError as error:
                raise refused(error, place.path)
            notes = Notes()
            notes.set_mode_at(place, mode)
            found = place.lstat()
            if found is not None:
                notes.note_owner(found.st_uid, os.fstat(place.directory))
            self._requests.done(stream, [('path', place.path)] + notes.fields())

    def _existing_directory(self, stream, path, place):
        with self._root.locate(path, follow=True) as target:
            kind = kind_of(target.lstat())
        if kind != 'directory':
            raise Refused('not-a-directory', 'the name exists and is no directory', place.path,
                          errno.EEXIST)
        self._requests.done(stream, [('path', place.path), ('existed', 1)])

    def symlink(self, stream, fields):
        target, conflict = fields.get('target'), conflict_of(fields)
        if not target or b'\0' in target:
            raise Refused('bad-request', 'target is missing or invalid')
        place = self._root.locate(fields['path'].rstrip(b'/') or b'/')
        try:
            found = place.lstat()
            if found is None:
                self._link(place, target)
            else:
                skipped = self._settle_link(place, found, target, conflict)
                if skipped:
                    self._requests.done(stream, [('path', place.path), ('skipped', skipped)])
                    return
                if conflict == 'rename':
                    taken, place = place, free_name(place)
                    taken.close()
                    self._link(place, target)
                else:
                    self._replace_link(place, target)
            self._requests.done(stream, [('path', place.path)])
        finally:
            place.close()

    @staticmethod
    def _link(place, target):
        try:
            os.symlink(target, place.name, dir_fd=place.directory)
        except FileExistsError:
            raise exists(place.lstat(), place.path)
        except OSError as error:
            raise refused(error, place.path)

    @staticmethod
    def _replace_link(place, target):
        name = temporary_name()
        try:
            os.symlink(target, name, dir_fd=place.directory)
            try:
                os.rename(name, place.name, src_dir_fd=place.directory, dst_dir_fd=place.directory)
            except OSError:
                os.unlink(name, dir_fd=place.directory)
                raise
        except OSError as error:
            raise refused(error, place.path)

    @staticmethod
    def _settle_link(place, found, target, conflict):
        kind = kind_of(found)
        if kind == 'symlink':
            try:
                if os.readlink(place.name, dir_fd=place.directory) == target:
                    return 'identical'
            except OSError as error:
                raise refused(error, place.path)
        if conflict == 'skip':
            return 'exists'
        if conflict == 'rename' and place.name != b'.':
            return None
        if kind not in ('symlink', 'file'):
            kind = 'special' if kind == 'device' else kind
            raise Refused('is-' + kind, 'the name exists and is a %s' % kind, place.path)
        if conflict == 'newer':
            return 'not-newer'
        if conflict == 'fail':
            raise exists(found, place.path)
        return None

    def attributes(self, stream, fields):
        mode, execute, mtime = mode_of(fields), mode_of(fields, 'execute'), mtime_of(fields)
        notes = Notes(strict=not option_of(fields, 'refused', b'note'))
        try:
            place = self._root.locate(fields['path'], follow=True)
        except Refused as error:
            if error.code == 'no-directory':
                error.code = 'not-found'
            raise
        with place:
            found = place.lstat()
            kind = kind_of(found)
            if kind == 'none':
                raise Refused('not-found', 'there is no such file', place.path, errno.ENOENT)
            if kind not in ('file', 'directory'):
                raise Refused('is-symlink' if kind == 'symlink' else 'is-special',
                              'not a file or directory', place.path)
            try:
                notes.set_mode_at(place, mode)
                if execute and kind == 'file':
                    notes.attempt('mode', add_execute, place, execute)
                notes.set_times_at(place, mtime)
            except OSError as error:
                raise refused(error, place.path)
            self._requests.done(stream, notes.fields())
