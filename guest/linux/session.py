"""A session (PROTOCOL.md, section 3).  No input or output in here: frames in, bytes out."""

import collections
import threading

from .errors import Refused
from .lanes import Lanes
from .reliable import ReliableReader, ReliableSender
from .requests import Requests
from .text import write_text
from .wire import CONTROL, COPY, DATA, FLAG_ENCODED, OVERHEAD, TEXT_MAX


class Session:
    def __init__(self, number, nonce, welcome, endpoint, window, frame):
        self.number, self.nonce, self.welcome = number, nonce, welcome
        self.frame = frame                  # largest payload that both sides take
        self.heard = 0.0
        self.dead = False
        self.reader = ReliableReader(endpoint.window, endpoint.frame)
        self.sender = ReliableSender(number, window)
        self._replies = collections.deque()     # (kind, stream, payload) from worker and finishers
        self._said = 0                          # bytes of all frames ever put there
        self._saying = threading.Lock()
        self._wake = endpoint.wake
        self.held_since = None                  # see Endpoint._hold
        self._unheard = False                   # something was said since
        self._config = config = endpoint.config
        self.lanes = Lanes(self, endpoint)      # after `join` those of the main session
        self.requests = Requests(config, self, endpoint.worker)

    def reply(self, stream, verb, fields):
        self._say(CONTROL, stream, write_reply(verb, fields))

    def reply_all(self, replies):
        for stream, verb, fields in replies:
            self._queue(CONTROL, stream, write_reply(verb, fields))
        self._tell()

    def reply_data(self, stream, payload):
        self._say(DATA, stream, payload)

    def _say(self, kind, stream, payload):
        self._queue(kind, stream, payload)
        self._tell()

    def _queue(self, kind, stream, payload):
        with self._saying:
            self._said += len(payload) + OVERHEAD
            self._replies.append((kind, stream, payload))

    def _tell(self):
        """Wakes the port thread, unless it's waiting for `let_go` anyway.

        Here and in let_go each side writes one flag and then reads the other,
        without a lock: under the GIL one of them sees the other's write, so
        that no reply is left lying."""
        self._unheard = True                # before the look: see let_go
        if self.held_since is None:
            self._unheard = False
            self._wake()

    def let_go(self):
        """From any thread: makes the port look at what was said."""
        self.held_since = None              # before the look for what another thread said meanwhile
        if self._unheard:
            self._unheard = False
            self._wake()

    @property
    def backlog(self):
        """Replies that the host hasn't acknowledged."""
        return len(self.sender.frames) + len(self._replies)

    def queued(self):
        """Bytes of replies that the host has not acknowledged."""
        return self._said - self.sender.bytes_done

    def collect(self, now):
        while self._replies:
            kind, stream, payload = self._replies.popleft()
            self.sender.add(kind, stream, payload, now)

    # -- in the worker -------------------------------------------------------

    def perform(self, kind, stream, payload, size, chunk, flags):
        try:
            self.act(kind, stream, payload, flags)
        finally:
            if chunk is not None:
                chunk.returned += 1
            self.give_back(size)

    def act(self, kind, stream, payload, flags):
        if self.dead:
            pass
        elif kind == DATA:
            self.requests.data(stream, payload, bool(flags & FLAG_ENCODED))
        elif kind == COPY:
            self.requests.copy(stream, payload)
        elif kind == CONTROL:
            self.requests.control(stream, payload)
        else:
            self.requests.unknown(stream)

    def give_back(self, size):
        """From any thread."""
        self.reader.give_back(size)
        if self.reader.room_grew():
            self._tell()

    def join(self, number):
        """Makes this session a lane of the one with that number."""
        with self._config.joining:
            main = self._config.sessions.get(number)
            if main is None or main is self or main.lanes.session is not main:
                raise Refused('not-found', 'no session of that number')
            if self.lanes.session is not self or self.lanes.used:
                raise Refused('bad-request', 'a lane already, or one that has lanes')
            main.lanes.admit(self)
            self.lanes = main.lanes
        if self.dead:                       # behind the admission: drop may have come before it
            self.lanes.leave(self)


def write_reply(verb, fields):
    """A reply never exceeds what a text may have: a path that does is cut
    out (it was the host's own, escaped to up to three times its length)."""
    payload = write_text(verb, fields)
    if len(payload) > TEXT_MAX:
        payload = write_text(verb, [f for f in fields if f[0] not in ('path', 'target')])
    return payload
