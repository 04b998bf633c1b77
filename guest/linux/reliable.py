"""The two halves of the reliable stream (PROTOCOL.md, section 4)."""

import collections
import threading

from .frames import encode
from .wire import FLAG_ASK, FLAG_GAP, OVERHEAD, PROBE_S, WINDOW_MAX


class ReliableReader:
    """Says which frames to take and when to acknowledge.  `give_back` may be
    called from any thread, everything else belongs to the port thread."""

    def __init__(self, window, frame):
        self.window = window
        self.next = 0
        self.arrived = 0                    # bytes of frames taken
        self.given_back = 0                 # bytes of them no longer held
        self._giving_back = threading.Lock()    # a lane has two workers
        self.acknowledged = 0               # given_back at the last ACK
        self._hold_max = 2 * window + frame + OVERHEAD
        self._gap_told = False
        self._gap_due = False
        self._ask_due = False

    @property
    def held(self):
        return self.arrived - self.given_back

    def offer(self, sequence, size, ask):
        """True if the frame is the expected one and there is room for it."""
        if sequence < self.next:
            self._ask_due = True
            return False
        if sequence > self.next:
            if not self._gap_told:
                self._gap_told = self._gap_due = True
            return False
        if self.held + size > self._hold_max:
            return False                    # a sender that ignores the window: as if lost
        self.next += 1
        self.arrived += size
        self._gap_told = self._gap_due = False
        self._ask_due = self._ask_due or ask
        return True

    def give_back(self, size):
        with self._giving_back:
            self.given_back += size

    def room_grew(self):
        """A quarter of the window was given back since the last ACK."""
        return self.given_back - self.acknowledged >= self.window // 4

    def ack(self):
        """(flags, next, window) if an ACK is due, else None."""
        if not (self._ask_due or self._gap_due or self.room_grew()):
            return None
        flags = FLAG_GAP if self._gap_due else 0
        return (flags,) + self.told()

    def told(self):
        """What ACK and PONG carry; the caller sends it now."""
        self._ask_due = self._gap_due = False
        self.acknowledged = self.given_back
        return self.next, max(0, self.window - self.held)


class ReliableSender:
    """Keeps frames until they are acknowledged; sends again only what is
    proven to be lost."""

    def __init__(self, session, window):
        self.session = session
        self.window = window
        self.base = 0                       # sequence of frames[0]
        self.frames = collections.deque()   # (kind, stream, payload, size)
        self.bytes_done = 0                 # of frames that were acknowledged
        self._under_way = 0                 # so many of them
        self._bytes_under_way = 0
        self._progress = 0.0
        self._pings = collections.OrderedDict()     # id -> sequence after the last one sent before
        self._ping_id = 0
        self._ping_at = -PROBE_S

    def add(self, kind, stream, payload, now):
        if not self.frames:
            self._progress = now
        self.frames.append((kind, stream, payload, len(payload) + OVERHEAD))

    @property
    def sent(self):
        """Sequence after the last frame sent."""
        return self.base + self._under_way

    def _fits(self, size):
        if self._under_way == 0:
            return self.window > 0
        return self._bytes_under_way + size <= self.window

    def pump(self):
        """The encoded frames that may go now; the last one has ASK."""
        first = self._under_way
        while self._under_way < len(self.frames) and self._fits(self.frames[self._under_way][3]):
            self._bytes_under_way += self.frames[self._under_way][3]
            self._under_way += 1
        out = []
        for index in range(first, self._under_way):
            kind, stream, payload, _ = self.frames[index]
            flags = FLAG_ASK if index == self._under_way - 1 else 0
            out.append(encode(kind, flags, stream, self.session, self.base + index, payload))
        return out

    def acknowledged(self, upto, window, now):
        """False if the number is impossible."""
        if not self.base <= upto <= self.sent:
            return self.base > upto         # an old one is no offence
        self.window = min(window, WINDOW_MAX)
        if upto > self.base:
            self._progress = now
        for _ in range(upto - self.base):
            size = self.frames.popleft()[3]
            self.bytes_done += size
            self._bytes_under_way -= size
            self._under_way -= 1
        self.base = upto
        return True

    def gap(self):
        self._under_way = self._bytes_under_way = 0
        self._pings.clear()                 # what they would prove is being mended

    def pong(self, ping_id, upto):
        sent_before = self._pings.pop(ping_id, 0)
        if upto == self.base and upto < sent_before:
            self.gap()

    def deadline(self):
        if not self.frames:
            return None
        return max(self._progress, self._ping_at) + PROBE_S

    def probe(self, now):
        """The number of a PING to send now, or None."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return None
        self._ping_at = now
        self._ping_id += 1
        self._pings[self._ping_id] = self.sent
        while len(self._pings) > 16:
            self._pings.popitem(last=False)
        return self._ping_id
