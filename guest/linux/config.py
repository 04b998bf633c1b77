"""What all ports have in common."""

import os
import pwd
import threading

from .decoders import Decoders
from .in_place import Overwriting
from .names import Leftovers
from .wire import SESSION_S


class Config:
    """What all ports have in common."""

    def __init__(self, root, read_only=False, session_s=SESSION_S):
        self.root, self.read_only, self.session_s = root, read_only, session_s
        self.umask = read_umask()
        self.leftovers = Leftovers()
        self.overwriting = Overwriting()
        self.decoders = Decoders()
        self.sessions = {}                  # by number: the active ones that may have lanes
        self.joining = threading.Lock()
        try:
            self.user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            self.user = str(os.geteuid())


def read_umask():
    """There's no way to read it without changing it: only before there are threads."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
