"""Where paths begin, and the directory that the last one led to."""

import os
import time

from .errors import Refused
from .location import DIRECTORY, Location, name_of
from .walk import Walk
from .wire import LAST_DIRECTORY_S


class Root:
    """The directory relative paths begin at and, if `confined`, the one
    outside which nothing is touched."""

    def __init__(self, path=None):
        self.confined = path is not None
        self.path = os.fsencode(os.path.realpath(path if self.confined else '.'))
        self.fd = os.open(self.path, DIRECTORY)
        self.home = os.fsencode(os.path.expanduser('~'))
        found = os.fstat(self.fd)
        self.identity = (found.st_dev, found.st_ino)

    def locate(self, path, follow=False):
        """The Location of a path as a host writes it; Refused if it can't
        be reached.  `follow`: also follow a symbolic link at its end."""
        if not path:
            raise Refused('bad-request', 'empty path')
        if b'\0' in path:
            raise Refused('bad-name', 'NUL in a path', path)
        walk = Walk(self, self._at_home(path))
        try:
            return walk.run(follow)
        finally:
            walk.close()

    def _at_home(self, path):
        return self.home + path[1:] if path == b'~' or path.startswith(b'~/') else path

    def in_full(self, path):
        """Its words from "/" on; nothing is looked up."""
        return os.path.join(self.path, self._at_home(path))


class LastDirectory:
    """The directory that the last path led to, so that the files of one are
    not walked to one by one.  It's used again only for the same words, for a
    second, and while the kernel says that it still has the name it had: a
    directory that was moved, removed or replaced on the way is walked to
    again.  Only a path without any symbolic link or ".." is kept, since a name
    doesn't tell where a link leads now."""

    def __init__(self, root):
        self.root = root
        self.until = None                   # when to close the descriptor
        self._fd, self._words, self._name = -1, None, None

    def forget(self):
        """Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._words, self.until = -1, None, None

    def locate(self, path):
        """Like Root.locate without `follow`."""
        words, _, name = path.rpartition(b'/')
        if words != self._words or name in (b'', b'.', b'..') or b'\0' in name or not self._stands():
            self.forget()
            place = self.root.locate(path)
            self._keep(place, words)
            return place
        return Location(os.dup(self._fd), name, os.path.join(self._name, name))

    def _stands(self):
        until = self.until                  # the port thread clears it once it has passed
        return (until is not None and time.monotonic() < until and name_of(self._fd) == self._name
                and (not self.root.confined or name_of(self.root.fd) == self.root.path))

    def _keep(self, place, words):
        name = name_of(place.directory)
        if not words or name is None or name != self.root.in_full(words):
            return
        self._fd, self._words, self._name = os.dup(place.directory), words, name
        self.until = time.monotonic() + LAST_DIRECTORY_S
