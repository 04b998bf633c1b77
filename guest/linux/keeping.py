"""What a file should have besides its bytes.  What the system refuses is a note of the answer."""

import os
import stat

from .files import set_mode
from .log import log


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
        if nanoseconds is not None:
            self.attempt('times', os.utime, target, ns=(nanoseconds, nanoseconds), **where)

    def set_mode_at(self, place, mode):
        if mode is not None:
            self.attempt('mode', set_mode, place, mode)

    def set_times_at(self, place, nanoseconds):
        self.set_times(place.name, nanoseconds, dir_fd=place.directory, follow_symlinks=False)

    def fields(self):
        return [('notes', ','.join(self.kinds))] if self.kinds else []
