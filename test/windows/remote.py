"""Bench of test/guest/support.py over a pty to a receiver of any kind: so that
the tests of requests and paths run against a process too."""

import struct

import windows

import test_requests
from host import CONTROL, COPY, DATA, RESET, Host, Receiver, frame, text, untext
from support import Bench

BARRIER = 65000     # a stream of our own


class RecordingHost(Host):
    """Keeps all answers in the order they came in."""

    def __init__(self, fd):
        super().__init__(fd)
        self.record = []

    def take(self, item):
        kind, _, stream, session, sequence, payload = item
        # before: what is taken writes an ACK, which may read more
        if kind == CONTROL and session == self.session and sequence == self.expected:
            self.record.append((stream,) + untext(payload))
        super().take(item)


class RemoteRequests:
    """What tests do to Requests; which streams it drains cannot be seen from outside."""

    def __init__(self, bench):
        self.bench = bench
        self.draining, self.open = set(), {}

    def control(self, stream, payload):
        self.bench.exchange(CONTROL, stream, payload)

    def data(self, stream, payload, encoded=False):
        self.bench.exchange(DATA, stream, bytes(payload), 2 if encoded else 0)

    def unknown(self, stream):
        self.bench.exchange(0x1f, stream, b'?')

    def copy(self, stream, payload):
        self.bench.exchange(COPY, stream, bytes(payload))

    def close(self):
        """The session ends; the receiver clears up behind the RESET."""
        host = self.bench.host
        host.write(frame(RESET, 0, 0, host.session, 0, text('reset', code='bye')))
        self.bench.connect()


class RemoteBench(Bench):
    def __init__(self, root=None, read_only=False, worker=None):
        assert worker is None, 'the worker of a process cannot be replaced'
        options = (['--root', root] if root else []) + (['--read-only'] if read_only else [])
        self.process = self.start(options)
        self.answers, self.stream = [], 0
        self.requests = RemoteRequests(self)
        self.root = None
        self.connect()

    def start(self, options):
        return Receiver(*options)

    @staticmethod
    def as_on_linux(answer):
        return answer

    def connect(self):
        self.host = RecordingHost(self.process.lines[0].master)
        self.host.connect()
        self.puts = set()
        self.answers = self.host.record
        self.barrier()

    def barrier(self):
        """Everything sent before is done: the worker keeps the order."""
        self.host.answers.pop(BARRIER, None)
        self.host.send(CONTROL, BARRIER, text('stat', path='/'), ask=True)
        self.host.answer(BARRIER)
        self.answers[:] = [a for a in self.answers if a[0] != BARRIER]

    @property
    def received(self):
        return self.host.content

    def exchange(self, kind, stream, payload, flags=0):
        before = len(self.answers)
        self.host.send(kind, stream, payload, ask=True, flags=flags)
        self.barrier()
        return self.since(before)

    def since(self, before):
        """The answers that came, noting which puts are open now."""
        self.answers[before:] = [self.as_on_linux(answer) for answer in self.answers[before:]]
        for number, answer, _ in self.answers[before:]:
            (self.puts.add if answer == 'accept' else self.puts.discard)(number)
        return self.answers[before:]

    def send(self, stream, verb, **fields):
        before = len(self.answers)
        waits = verb not in ('commit', 'cancel') or verb == 'commit' and stream in self.puts
        finals = ('done', 'error') if verb in ('commit', 'signature') else ('accept', 'done', 'error')
        self.exchange(CONTROL, stream, text(verb, **fields))
        if waits:                           # a finisher may be at it
            self.host.until(lambda: any(a[0] == stream and a[1] in finals for a in self.answers[before:]))
        return self.since(before)

    def data(self, stream, content, offset=0, encoded=False):
        before = len(self.answers)
        step = self.host.frame - 8
        for at in range(0, max(1, len(content)), step):
            start = offset if encoded else offset + at
            self.host.send(DATA, stream, struct.pack('>Q', start) + content[at:at + step], flags=2 if encoded else 0)
        self.barrier()
        return self.since(before)

    def copy(self, stream, offset, *ranges):
        payload = struct.pack('>Q', offset) + b''.join(struct.pack('>QI', *one) for one in ranges)
        return self.exchange(COPY, stream, payload)

    def close(self):
        self.process.close()


class OnRemote(windows.OnMono):
    """Mixin for a TestCase whose module makes its Benches of the name Bench,
    as does test_requests for those that are a Case of it."""

    module, bench = None, RemoteBench

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for module in {cls.module, test_requests}:
            cls.addClassCleanup(setattr, module, 'Bench', module.Bench)
            module.Bench = cls.bench
