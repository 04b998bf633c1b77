"""The receiver's end of one port (PROTOCOL.md, section 3).  No input or output in here: frames in,
bytes out, times given."""

import collections
import os
import re
import sys

from .arguments import number_of
from .errors import Refused
from .frames import encode
from .log import log
from .session import Session
from .text import BadText, read_text, write_text
from .wire import (
    ACK, ACK_BODY, CONTROL, COPY, DEVICES, FLAG_ASK, FLAG_GAP, FRAME_MIN, HELLO, HERE, HOLD_S,
    LANE, LANE_HEAD, OUT_MAX, OVERHEAD, PENDING_MAX, PING, PONG, PONG_BODY, PROTOCOL_HIGH,
    PROTOCOL_LOW, RELIABLE, REPLIES_MAX, RESET, SIGNATURE_FRAME_MIN, STREAMS, U32, UNKNOWN_S,
    VERSION, WELCOME, WINDOW_MAX, has_lanes)


class Endpoint:
    """The receiver's end of one port."""

    def __init__(self, config, port, device, worker, wake):
        self.config, self.port, self.device = config, port, device
        self.worker, self.wake = worker, wake
        self.frame, self.window = DEVICES[device]
        self.active = None
        self.pending = collections.OrderedDict()    # number -> Session
        self.out = []
        self._out_full = False
        self._unknown_at = -UNKNOWN_S

    # -- frames in -----------------------------------------------------------

    def handle(self, frame, now):
        if frame.type == HELLO:
            self._hello(frame, now)
            return
        if frame.type in (WELCOME, HERE):
            return                          # a receiver's own, thrown back by the line
        session = self._session(frame, now)
        if session is None:
            self._unknown(frame, now)
            return
        session.heard = now
        if frame.type & RELIABLE:
            self._reliable(session, frame, now)
        elif frame.type == ACK:
            self._ack(session, frame, now)
        elif frame.type == PING:
            self._ping(session, frame)
        elif frame.type == PONG:
            self._pong(session, frame, now)
        elif frame.type == RESET:
            log.info('%s: the host ended the session' % self.port)
            self.drop(session)

    def _session(self, frame, now):
        if self.active is not None and self.active.number == frame.session:
            return self.active
        session = self.pending.pop(frame.session, None)
        if session is not None:
            if frame.type == RESET:
                self.drop(session)
                return session
            if self.active is not None:
                log.info('%s: a new session replaces the old one' % self.port)
                self.drop(self.active)
            log.info('%s: session begins' % self.port)
            self.active = session
            if has_lanes(self.device):
                self.config.sessions[session.number] = session
        return session

    def _unknown(self, frame, now):
        if frame.type == RESET or now - self._unknown_at < UNKNOWN_S:
            return
        self._unknown_at = now
        self._send_reset(frame.session, [('code', 'unknown-session')])

    def _send_reset(self, session, fields):
        self._emit(encode(RESET, 0, 0, session, 0, write_text('reset', fields)))

    def _emit(self, data):
        if not self._out_full:
            self.out.append(data)

    def _reliable(self, session, frame, now):
        if frame.type == LANE and has_lanes(self.device):
            self._lane(session, frame)
            return
        size = len(frame.payload) + OVERHEAD
        if session.backlog > REPLIES_MAX:
            return                          # a host that takes no answers gets no further
        if not session.reader.offer(frame.sequence, size, frame.flags & FLAG_ASK):
            return
        payload, chunk = frame.payload, frame.chunk
        if chunk is not None and len(payload) >= FRAME_MIN:
            chunk.lent += 1
        else:                               # small: a copy costs less than a buffer kept busy
            payload, chunk = memoryview(bytes(payload)), None
        if frame.type == CONTROL and payload[:7] == b'cancel\n':
            session.requests.stop_put(frame.stream, bytes(payload))
        self._hold(session, frame, now)     # before the worker can be through with it
        self.worker.submit(session.perform, frame.type, frame.stream, payload, size, chunk, frame.flags)

    def _lane(self, session, frame):
        lanes = session.lanes
        main = lanes.session
        if main.backlog > REPLIES_MAX:
            return
        if len(frame.payload) < LANE_HEAD.size:
            self._protocol_error(session, 'sent a LANE frame without a number')
            return
        number, kind = LANE_HEAD.unpack_from(frame.payload)
        size = len(frame.payload) + OVERHEAD
        if not (lanes.has_room_for(number)
                and session.reader.offer(frame.sequence, size, frame.flags & FLAG_ASK)):
            return
        payload = memoryview(bytes(frame.payload))[LANE_HEAD.size:]
        if kind == CONTROL and payload[:7] == b'cancel\n':
            main.requests.stop_put(frame.stream, bytes(payload))
        lanes.take(session, number, size, (kind, frame.stream, payload, frame.flags))

    def _ack(self, session, frame, now):
        if len(frame.payload) < ACK_BODY.size:
            return
        upto, window = ACK_BODY.unpack_from(frame.payload)
        if not session.sender.acknowledged(upto, window, now):
            self._protocol_error(session, 'acknowledged what was never sent')
        elif frame.flags & FLAG_GAP:
            session.sender.gap()

    def _protocol_error(self, session, what):
        log.warning('%s: the host %s' % (self.port, what))
        self._send_reset(session.number, [('code', 'protocol')])
        self.drop(session)

    def _ping(self, session, frame):
        if len(frame.payload) < U32.size:
            return
        body = PONG_BODY.pack(U32.unpack_from(frame.payload)[0], *session.reader.told())
        self._emit(encode(PONG, 0, 0, session.number, 0, body))

    def _pong(self, session, frame, now):
        if len(frame.payload) < PONG_BODY.size:
            return
        ping_id, upto, window = PONG_BODY.unpack_from(frame.payload)
        if not session.sender.acknowledged(upto, window, now):
            self._protocol_error(session, 'acknowledged what was never sent')
        else:
            session.sender.pong(ping_id, upto)

    # -- knock and HELLO -----------------------------------------------------

    def knock(self, nonce):
        log.debug('%s: a host knocks' % self.port)
        self._emit(encode(HERE, 0, 0, nonce, 0))

    def _hello(self, frame, now):
        for session in [self.active] + list(self.pending.values()):
            if session is not None and session.nonce == frame.session:
                session.heard = now if session is not self.active else session.heard
                self._emit(session.welcome)
                return
        try:
            verb, fields = read_text(frame.payload)
            low, high = hello_versions(verb, fields)
        except (BadText, Refused):
            return                          # outside a session: silence
        if low > PROTOCOL_HIGH or high < PROTOCOL_LOW:
            own = '%d-%d' % (PROTOCOL_LOW, PROTOCOL_HIGH)
            log.warning('%s: a host speaks protocol %d-%d, this receiver %s'
                        % (self.port, low, high, own))
            self._send_reset(frame.session, [('code', 'version'), ('protocol', own), (
                'message', 'this receiver speaks protocol version %s only' % own)])
            return
        self._welcome(frame.session, fields, min(high, PROTOCOL_HIGH), now)

    def _welcome(self, nonce, fields, version, now):
        try:
            window, largest = number_of(fields, 'window'), number_of(fields, 'frame')
        except Refused:
            return
        number = self._new_number()
        welcome = encode(WELCOME, 0, 0, nonce, 0, self._welcome_text(number, version))
        session = Session(number, nonce, welcome, self,
                          min(FRAME_MIN if window is None else window, WINDOW_MAX),
                          max(SIGNATURE_FRAME_MIN,
                              min(self.frame, FRAME_MIN if largest is None else largest)))
        session.heard = now
        self.pending[number] = session
        while len(self.pending) > PENDING_MAX:
            self.drop(self.pending.popitem(last=False)[1])
        self._emit(welcome)

    def _new_number(self):
        while True:
            number = U32.unpack(os.urandom(4))[0]
            if number and number not in self.pending and number not in self.config.sessions and (
                    self.active is None or self.active.number != number):
                return number

    def _welcome_text(self, number, version):
        fields = [('protocol', version), ('session', '%08x' % number),
                  ('agent', 'receiver.py/' + VERSION),
                  ('system', 'linux' if sys.platform.startswith('linux') else 'posix'),
                  ('separator', '/'), ('device', self.device), ('port', self.port),
                  ('user', self.config.user), ('frame', self.frame), ('window', self.window),
                  ('streams', STREAMS),
                  ('capabilities', self.config.decoders.capabilities() + (',lanes' if has_lanes(self.device) else ''))]
        if self.config.root.confined:
            fields.append(('root', self.config.root.path))
        if self.config.read_only:
            fields.append(('read-only', 1))
        return write_text('welcome', fields)

    # -- time and output -----------------------------------------------------

    def sessions(self):
        return ([self.active] if self.active else []) + list(self.pending.values())

    def tick(self, now):
        for session in self.sessions():
            if now - session.heard >= self.config.session_s:
                log.info('%s: the host is silent, session dropped' % self.port)
                self.drop(session)
        if self.active is not None:
            near = self.active.requests.near
            if near.until is not None and now >= near.until:
                near.until = None           # once
                self.worker.submit(near.forget)
            ping = self.active.sender.probe(now)
            if ping is not None:
                self._emit(encode(PING, 0, 0, self.active.number, 0, U32.pack(ping)))

    def deadline(self, now):
        """When tick is due next, None if never."""
        times = [s.heard + self.config.session_s for s in self.sessions()]
        if self.active is not None:
            times += [self.active.sender.deadline(), self.active.requests.near.until]
        return min((t for t in times if t is not None), default=None)

    def take_output(self, now, waiting=0):
        """All bytes to be sent now; `waiting` says how many the line has not
        taken yet."""
        self._out_full = waiting > OUT_MAX
        session = self.active
        if session is not None and not self._out_full:
            ack = session.reader.ack()
            if ack is not None:
                self.out.append(encode(ACK, ack[0], 0, session.number, 0, ACK_BODY.pack(*ack[1:])))
            session.collect(now)
            self.out.extend(session.sender.pump())
        if not self.out:
            return b''
        data, self.out = b''.join(self.out), []
        return data

    def _hold(self, session, frame, now):
        """Reading, waking and writing cost more than a small file does, and
        writing to a virtio port most of all.  So while the worker and a
        finisher handle small frames, more of them may collect on the line and
        answers in the queue.  A line that has only small frames, or a small
        window, isn't kept waiting."""
        if self.frame < FRAME_MIN:
            return
        if frame.type == COPY or len(frame.payload) >= FRAME_MIN:
            session.held_since = None
        elif session.held_since is None:
            session.held_since = now

    def held_until(self, now):
        """When to look at the port again; None means at once."""
        session = self.active
        since = session.held_since if session is not None else None
        if since is None:
            return None
        if now - since >= HOLD_S or session.reader.held > session.reader.window // 4:
            session.held_since = None
            return None
        return since + HOLD_S

    def worker_rests(self):
        """In the worker, when it has nothing more to do for now."""
        session = self.active
        if session is not None and not session.requests.are_finishing:
            session.let_go()

    def drop(self, session):
        """Idempotent.  What the session has not finished is removed."""
        if session is self.active:
            self.active = None
        self.pending.pop(session.number, None)
        if not session.dead:
            session.dead = True
            self.config.sessions.pop(session.number, None)
            session.lanes.leave(session)
            # at once for a write that waits for its device; the rest in the worker's order
            session.requests.stop()
            self.worker.submit(session.requests.close)

    def start_over(self):
        """After a defect: no session can be relied on."""
        for session in self.sessions():
            self._send_reset(session.number, [('code', 'protocol')])
            self.drop(session)

    def close(self):
        """The receiver stops: tells the host."""
        if self.active is not None:
            self._out_full = False
            self._send_reset(self.active.number, [('code', 'bye')])
        for session in self.sessions():
            self.drop(session)


def hello_versions(verb, fields):
    match = re.match(br'([0-9]{1,4})-([0-9]{1,4})\Z', fields.get('protocol', b''))
    if verb != 'hello' or not match:
        raise Refused('bad-request', 'not a hello')
    return int(match.group(1)), int(match.group(2))
