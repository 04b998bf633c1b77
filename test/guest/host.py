"""A small host for tests: speaks the protocol from PROTOCOL.md with plain
struct and zlib, and shares no line with receiver.py."""

import hashlib
import os
import select
import signal
import struct
import subprocess
import sys
import time
import tty
import zlib

MAGIC = b'\xf5GW1'
HELLO, WELCOME, ACK, PING, PONG, RESET, HERE, CONTROL, DATA, COPY = 1, 2, 3, 4, 5, 6, 7, 16, 17, 18
RECEIVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'dist', 'guest',
                        'receiver.py')


def frame(kind, flags=0, stream=0, session=0, sequence=0, payload=b''):
    head = MAGIC + struct.pack('>BBHIII', kind, flags, stream, session, sequence, len(payload))
    head += struct.pack('>I', zlib.crc32(head))
    return head + payload + struct.pack('>I', zlib.crc32(payload)) if payload else head


def knock(nonce):
    digits = b'4757%010d' % nonce
    return digits + b'%010d' % zlib.crc32(digits)


def text(verb, **fields):
    out = verb + '\n'
    for key, value in fields.items():
        value = value if isinstance(value, bytes) else str(value).encode()
        coded = ''.join(chr(b) if 0x21 <= b <= 0x7e and b != 0x25 else '%%%02X' % b for b in value)
        out += '%s=%s\n' % (key.replace('_', '-'), coded)
    return out.encode('ascii')


def untext(payload):
    lines = payload.decode('ascii').split('\n')
    assert lines.pop() == ''
    fields = {}
    for line in lines[1:]:
        key, value = line.split('=', 1)
        parts = value.split('%')
        raw = parts[0].encode()
        for part in parts[1:]:
            raw += bytes([int(part[:2], 16)]) + part[2:].encode()
        fields[key] = raw
    return lines[0], fields


class Reader:
    """Frames out of bytes, by rules 1 to 3 of section 1."""

    def __init__(self):
        self.buffer = b''
        self.noise = b''

    def feed(self, data):
        self.buffer += data
        out = []
        while True:
            at = self.buffer.find(MAGIC)
            if at < 0:
                return out
            self.noise += self.buffer[:at]
            self.buffer = self.buffer[at:]
            if len(self.buffer) < 24:
                return out
            kind, flags, stream, session, sequence, length, check = struct.unpack(
                '>BBHIIII', self.buffer[4:24])
            if zlib.crc32(self.buffer[:20]) != check:
                self.noise += self.buffer[:1]
                self.buffer = self.buffer[1:]
                continue
            total = 24 + (length + 4 if length else 0)
            if len(self.buffer) < total:
                return out
            payload = self.buffer[24:24 + length]
            if length and struct.pack('>I', zlib.crc32(payload)) != self.buffer[24 + length:total]:
                self.noise += self.buffer[:24]
                self.buffer = self.buffer[24:]
                continue
            self.buffer = self.buffer[total:]
            out.append((kind, flags, stream, session, sequence, payload))


class Lost(AssertionError):
    pass


class Host:
    """One session over a file descriptor.  Blocking, with a time-out."""

    def __init__(self, fd, timeout_s=20.0):
        self.fd, self.timeout_s = fd, timeout_s
        self.reader = Reader()
        self.unwritten = []
        self.frames = []                    # everything received, for tests to look at
        self.answers = {}                   # stream -> [(verb, fields)]
        self.content = {}                   # stream -> what came as DATA
        self.welcome = None
        self.resets = []
        self.session = None
        self.sequence = 0                   # next to send
        self.acked = 0
        self.window = 0
        self.unacked = []                   # (sequence, bytes)
        self.expected = 0                   # next from the receiver
        self.pongs = []
        self.stream = 0
        self.retransmissions = 0

    # -- bytes ---------------------------------------------------------------

    def write(self, data):
        """What is read meanwhile may want something written: that must not
        come between two halves of a frame."""
        self.unwritten.append(data)
        if len(self.unwritten) > 1:
            return
        while self.unwritten:
            self.write_now(self.unwritten[0])
            self.unwritten.pop(0)

    def write_now(self, data):
        view = memoryview(data)
        limit = time.monotonic() + self.timeout_s
        while len(view):
            readable, writable, _ = select.select([self.fd], [self.fd], [], 0.5)
            if readable:
                self.read()
            if writable:
                try:
                    view = view[os.write(self.fd, view[:4096]):]
                except BlockingIOError:
                    pass
            if time.monotonic() > limit:
                self.unwritten = []
                raise Lost('the line takes no bytes')

    def read(self):
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return
        for item in self.reader.feed(data):
            self.take(item)

    def take(self, item):
        kind, flags, stream, session, sequence, payload = item
        self.frames.append(item)
        if kind == WELCOME:
            self.welcome = untext(payload)[1]
        elif kind == RESET:
            self.resets.append((session, untext(payload)[1]))
        elif session != self.session:
            return
        elif kind == ACK:
            self.acknowledged(*struct.unpack('>II', payload))
            if flags & 1:
                self.again()
        elif kind == PING:
            self.write(frame(PONG, 0, 0, self.session, 0, payload + struct.pack('>II', self.expected, 1 << 20)))
        elif kind == PONG:
            ping, upto, window = struct.unpack('>III', payload)
            self.pongs.append(ping)
            self.acknowledged(upto, window)
        elif kind in (CONTROL, DATA):
            if sequence == self.expected:
                self.expected += 1
                if kind == CONTROL:
                    self.answers.setdefault(stream, []).append(untext(payload))
                else:
                    before = self.content.get(stream, b'')
                    assert struct.unpack('>Q', payload[:8])[0] == len(before)
                    self.content[stream] = before + payload[8:]
            self.write(frame(ACK, 0, 0, self.session, 0, struct.pack('>II', self.expected, 1 << 20)))

    def acknowledged(self, upto, window):
        self.acked, self.window = max(self.acked, upto), window
        self.unacked = [(n, d) for n, d in self.unacked if n >= self.acked]

    def again(self):
        for _, data in list(self.unacked):
            self.retransmissions += 1
            self.write(data)

    def until(self, condition, what='an answer', timeout_s=None):
        limit = time.monotonic() + (timeout_s or self.timeout_s)
        while not condition():
            if time.monotonic() > limit:
                raise Lost('no ' + what)
            if select.select([self.fd], [], [], 0.1)[0]:
                self.read()

    # -- session -------------------------------------------------------------

    def knock(self, nonce=None):
        """The nonce, once the receiver has answered it by HERE."""
        nonce = nonce if nonce is not None else struct.unpack('>I', os.urandom(4))[0]
        before = self.answered(nonce)
        for _ in range(10):
            self.write(knock(nonce))
            try:
                self.until(lambda: self.answered(nonce) > before, 'HERE', 0.8)
                return nonce
            except Lost:
                self.write(b'\x15')         # erases it where somebody types
        raise Lost('no HERE')

    def answered(self, nonce):
        return self.frames.count((HERE, 0, 0, nonce, 0, b''))

    def hello(self, nonce=None, protocol='1-1'):
        self.nonce = nonce if nonce is not None else struct.unpack('>I', os.urandom(4))[0]
        self.welcome = None
        for _ in range(10):
            self.write(frame(HELLO, 0, 0, self.nonce, 0, text(
                'hello', protocol=protocol, agent='test/1', frame=65536, window=1 << 20)))
            try:
                self.until(lambda: self.welcome is not None, 'WELCOME', 0.8)
                break
            except Lost:
                continue
        else:
            raise Lost('no WELCOME')
        self.session = int(self.welcome['session'], 16)
        self.window = int(self.welcome['window'])
        self.frame = int(self.welcome['frame'])
        self.sequence = self.acked = self.expected = 0
        self.unacked, self.answers = [], {}
        return self

    def ping(self, number=1):
        self.write(frame(PING, 0, 0, self.session, 0, struct.pack('>I', number)))
        self.until(lambda: number in self.pongs, 'PONG')
        return self

    def connect(self):
        return self.hello().ping()

    def has_room(self, size):
        """One frame may always be under way, unless the window is 0."""
        if not self.unacked:
            return self.window > 0
        return sum(len(d) for _, d in self.unacked) + size <= self.window

    def send(self, kind, stream, payload, ask=False, flags=0):
        size = len(payload) + 28
        self.until(lambda: self.has_room(size), 'room in the window')
        room = self.window - sum(len(d) for _, d in self.unacked) - size
        ask = ask or room < size
        data = frame(kind, flags | (1 if ask else 0), stream, self.session, self.sequence, payload)
        self.unacked.append((self.sequence, data))
        self.sequence += 1
        self.write(data)

    # -- requests ------------------------------------------------------------

    def open(self, verb, **fields):
        self.stream = self.stream % 60000 + 1
        self.answers.pop(self.stream, None)
        self.content.pop(self.stream, None)
        self.send(CONTROL, self.stream, text(verb, **fields), ask=True)
        return self.stream

    def answer(self, stream, count=1, timeout_s=None):
        """The count-th answer on a stream."""
        self.until(lambda: len(self.answers.get(stream, [])) >= count, 'answer', timeout_s)
        return self.answers[stream][count - 1]

    def request(self, verb, **fields):
        return self.answer(self.open(verb, **fields))

    def data(self, stream, content, offset=0):
        step = self.frame - 8
        for at in range(0, len(content), step):
            self.send(DATA, stream, struct.pack('>Q', offset + at) + content[at:at + step])

    def commit(self, stream, content, **changed):
        fields = dict(size=len(content), sha256=hashlib.sha256(content).hexdigest())
        fields.update(changed)
        self.send(CONTROL, stream, text('commit', **fields), ask=True)

    def put(self, path, content, **fields):
        """The final (verb, fields) of a whole put."""
        fields.setdefault('size', len(content))
        stream = self.open('put', path=path, **fields)
        first = self.answer(stream)
        if first[0] != 'accept':
            self.send(CONTROL, stream, text('cancel'), ask=True)
            return first
        self.data(stream, content)
        self.commit(stream, content)
        return self.answer(stream, 2)


class Line:
    """A pty whose slave a receiver serves; the master is the host's."""

    def __init__(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.slave)

    def close(self):
        for fd in (self.master, self.slave):
            try:
                os.close(fd)
            except OSError:
                pass


class Receiver:
    """receiver.py (or what `command` says) as a process of its own on pty lines."""

    command = [sys.executable, RECEIVER]
    start_limit_s = 10.0
    end_signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)    # at which it ends in good order
    environment = {}                        # what it needs besides ours

    @staticmethod
    def port_name(line):
        return line.path

    def __init__(self, *options, lines=1, env=None, cwd=None, wrapper=(), ports=None, wait=True):
        self.lines = [Line() for _ in range(lines)]
        paths = ports if ports is not None else [self.port_name(line) for line in self.lines]
        environment = dict(os.environ, **self.environment)
        environment.update(env or {})
        self.process = subprocess.Popen(
            list(wrapper) + self.command + paths + list(options), cwd=cwd,
            env=environment, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.log = b''
        if wait:
            self.wait_log(b'serving ', len(paths), self.start_limit_s)

    def wait_log(self, what, count=1, timeout_s=10.0):
        limit = time.monotonic() + timeout_s
        while self.read_log().count(what) < count:
            if time.monotonic() > limit or self.process.poll() is not None:
                self.read_log()
                if self.log.count(what) >= count:
                    return
                raise Lost('receiver says: %r' % self.log)
            select.select([self.process.stderr], [], [], 0.1)

    def read_log(self):
        try:
            self.log += os.read(self.process.stderr.fileno(), 65536)
        except BlockingIOError:
            pass
        return self.log

    def host(self, line=0):
        return Host(self.lines[line].master)

    def stop(self, number=None):
        """Exit code after a signal."""
        if self.process.poll() is None:
            self.process.send_signal(number or self.end_signals[0])
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = 'did not stop'
        self.read_log()
        return code

    def close(self):
        if self.process.poll() is None:
            self.stop()
        self.process.stderr.close()
        for line in self.lines:
            line.close()
