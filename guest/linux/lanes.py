"""Several ports that carry one session (PROTOCOL.md, section 6)."""

import threading

from .errors import Refused
from .wire import LANES_MAX, LANE_WINDOWS


class Lanes:
    """LANE frames of one session (section 6).  The threads of several ports
    bring them, the session's own worker gets them in the order of their
    numbers."""

    def __init__(self, session, endpoint):
        self.session = session
        self._worker = endpoint.worker
        self._limit = LANE_WINDOWS * endpoint.window
        self._lock = threading.RLock()
        self._next = 0                      # number of the frame to be acted on next
        self._waiting = {}                  # number -> (lane, size, arguments of perform)
        self._bytes_waiting = 0
        self._handed_over = 0               # bytes, to the worker
        self.returned = 0                   # bytes that it is through with; counted by it alone
        self._joined = set()

    @property
    def used(self):
        return self._next > 0 or bool(self._waiting or self._joined)

    def admit(self, lane):
        with self._lock:
            if self.session.dead:
                raise Refused('not-found', 'the session has ended')
            if len(self._joined) >= LANES_MAX:
                raise Refused('too-many', 'the session has %d lanes' % LANES_MAX)
            self._joined.add(lane)

    def leave(self, lane):
        """What the lane has brought stays: it was acknowledged."""
        with self._lock:
            self._joined.discard(lane)
        if lane is self.session:
            self._give_up()

    def _give_up(self):
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            self._bytes_waiting = 0
        for lane, size, _ in waiting.values():
            lane.give_back(size)

    def has_room_for(self, number):
        """Windows bound what waits, but lanes that come and go could get around
        them.  A frame that is due never waits for room that others take."""
        if number == self._next:
            return self._handed_over - self.returned <= self._limit
        return self._bytes_waiting <= self._limit

    def take(self, lane, number, size, arguments):
        with self._lock:
            known = number < self._next or number in self._waiting or self.session.dead
            if not known:
                self._waiting[number] = lane, size, arguments
                self._bytes_waiting += size
                self._hand_over()
        if known:
            lane.give_back(size)

    def _hand_over(self):
        """Within the lock, or two ports could pass each other."""
        while self._next in self._waiting:
            lane, size, arguments = self._waiting.pop(self._next)
            self._next += 1
            self._bytes_waiting -= size
            self._handed_over += size
            self._worker.submit(self._perform, lane, size, arguments)

    def _perform(self, lane, size, arguments):
        try:
            self.session.act(*arguments)
        finally:
            self.returned += size
            lane.give_back(size)
