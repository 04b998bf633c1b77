"""Paths are walked one component at a time with directory descriptors, so that no "..", no
symbolic link and no directory replaced in between leads out of the root."""

import errno
import os

from .errors import Refused, refused
from .location import DIRECTORY, Location
from .wire import DEPTH_MAX, SYMLINKS_MAX


class Walk:
    def __init__(self, root, path):
        self.root, self.path = root, path
        self.stack = []                     # descriptors, the last is where we are
        self.labels = []                    # the name each was entered by; [0] is a whole path
        self.inside = None                  # index in stack of the root once it was entered
        self.links = 0
        self.pending = []                   # components still to go, the next one last

    def close(self):
        while self.stack:
            os.close(self.stack.pop())

    def run(self, follow):
        try:
            self._begin(self.path)
            return self._walk(follow)
        except OSError as error:
            if self._outside():             # what is out there is not told
                raise self._escape()
            raise refused(error, self.path)

    def _escape(self):
        return Refused('outside-root', "the path leads out of the receiver's root", self.path)

    def _outside(self):
        return self.root.confined and self.inside is None

    def _begin(self, path):
        if path.startswith(b'/'):
            self.close()
            self.labels, self.inside = [], None
            self._push(os.open(b'/', DIRECTORY), b'/')
        elif not self.stack:
            self._push(os.dup(self.root.fd), self.root.path)
        self._expand(path)

    def _expand(self, path):
        parts = [p for p in path.split(b'/') if p not in (b'', b'.')]
        if path.endswith((b'/', b'/.')) or path == b'.':
            parts.append(b'.')              # it must be a directory
        self.pending.extend(reversed(parts))

    def _push(self, fd, label):
        self.stack.append(fd)
        self.labels.append(label)
        if not self.root.confined:          # the kernel's own ".." will do: hold one only
            while len(self.stack) > 1:
                os.close(self.stack.pop(0))
        elif len(self.stack) > DEPTH_MAX:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        elif self.inside is None:
            found = os.fstat(fd)
            if (found.st_dev, found.st_ino) == self.root.identity:
                self.inside = len(self.stack) - 1

    def _up(self):
        if not self.root.confined:
            self._push(os.open(b'..', DIRECTORY, dir_fd=self.stack[-1]), b'')
            self.labels.pop()
            if len(self.labels) > 1:
                self.labels.pop()
            else:
                self.labels[0] = os.path.dirname(self.labels[0])
        elif len(self.stack) > 1:           # back to the very directory we came from
            os.close(self.stack.pop())
            self.labels.pop()
            if self.inside is not None and self.inside >= len(self.stack):
                self.inside = None
        elif self.labels[0] != b'/':
            raise self._escape()

    def _walk(self, follow):
        while self.pending:
            name = self.pending.pop()
            if name == b'..':
                self._up()
            elif name == b'.':
                pass
            elif self.pending:
                self._enter(name)
            elif follow and self._follow(name):
                pass
            elif self._outside():
                self._enter(name)           # allowed only if it is the root itself
            else:
                return self._found(name)
        return self._found(b'.')

    def _found(self, name):
        if self._outside():
            raise self._escape()
        path = os.path.join(self.labels[0], *self.labels[1:])
        if name != b'.':
            path = os.path.join(path, name)
        return Location(os.dup(self.stack[-1]), name, path)

    def _enter(self, name):
        try:
            fd = os.open(name, DIRECTORY, dir_fd=self.stack[-1])
        except OSError as error:
            # ENOTDIR or ELOOP, depending on the system: perhaps a symbolic link
            if error.errno not in (errno.ENOTDIR, errno.ELOOP) or not self._follow(name):
                raise
            return
        self._push(fd, name)

    def _follow(self, name):
        """Puts the target of a symbolic link in front of the rest of the path."""
        try:
            target = os.readlink(name, dir_fd=self.stack[-1])
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return False
            raise
        self.links += 1
        if self.links > SYMLINKS_MAX:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self._begin(target)
        return True
