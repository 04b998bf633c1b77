"""The loop that serves one device."""

import errno
import fcntl
import os
import select
import termios
import threading
import time

from .device import Device
from .endpoint import Endpoint
from .frames import Parser
from .log import LEVELS, log
from .wire import DEVICES, FRAME_MIN, IDLE_S, LANE_HEAD, has_lanes
from .worker import Worker, run_guarded

GONE = (errno.ENODEV, errno.EIO, errno.ENXIO, errno.EBADF, errno.EPIPE, errno.ENOENT)
REOPEN_S = 1.0              # between attempts to open a port that vanished
UNPLUGGED_S = 5.0           # how often to look at a channel without a host, should no event come
NAP_MIN_S, NAP_MAX_S = 0.001, 0.02
CHANNEL_READ = 4096         # what the kernel gives per read of a virtio port


class Waker:
    """A pipe that ends a port thread's poll; `wake` from any thread.

    `_woken` spares a write where one is in the pipe already.  It is read and
    written without a lock: the GIL keeps the order in which threads do both."""

    def __init__(self):
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._woken = False

    def fileno(self):
        return self._read

    def wake(self, force=False):
        if self._woken and not force:
            return
        self._woken = True
        try:
            os.write(self._write, b'x')
        except OSError:
            pass                            # full: it is awake anyhow

    def clear(self):
        """Empties the pipe before it says so: a wake between the two then
        costs one look too many; the other way round it would be taken out
        unseen, and every later one be thought to be still in the pipe."""
        try:
            while len(os.read(self._read, 512)) == 512:
                pass
        except BlockingIOError:
            pass
        self._woken = False                 # and only then look for replies


class PortGone(Exception):
    pass


class Port:
    """Serves one device in a thread of its own."""

    def __init__(self, path, config, speed=None):
        self.path, self.config, self.speed = path, config, speed
        self.device = Device(path, speed)
        self.kind = self.device.kind
        self._waker = Waker()
        self._stopping = False
        self._unsent = b''
        self._hung = False
        self._edge = None                   # epoll object while no host is connected
        self._heard = 0.0                   # when the last bytes came
        self._byte_s = 5e-6                 # seconds a byte takes, once measured
        self._napped = False
        read_bytes = 16 * CHANNEL_READ if self.kind == 'channel' else 0
        largest = FRAME_MIN + LANE_HEAD.size if has_lanes(self.kind) else DEVICES[self.kind][0]
        self._reads = 16 if self.kind == 'channel' else 1
        self.worker = Worker(path)
        self.endpoint = Endpoint(config, path, self.kind, self.worker, self._waker.wake)
        self.parser = Parser(largest, read_bytes, self.endpoint.knock)
        self.worker.on_rest = self.endpoint.worker_rests
        self.thread = threading.Thread(target=self._run, name=path, daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self._stopping = True
        self._waker.wake(True)

    # -- the loop ------------------------------------------------------------

    def _run(self):
        while not self._stopping:
            try:
                self._serve()
            except PortGone as error:
                log.warning('%s: %s; waiting for it to come back' % (self.path, error))
                self._close_device()
                self._reopen()
            except Exception as error:      # a defect: the session is lost, the port goes on
                log.error('%s: defect: %s: %s' % (self.path, type(error).__name__, error))
                if log.level >= LEVELS.index('debug'):
                    import traceback
                    log.debug(traceback.format_exc())
                run_guarded(self._start_over)
                time.sleep(0.1)             # should it repeat, it must not spin
        self._finish()

    def _start_over(self):
        self.endpoint.start_over()
        self.parser.clear()

    def _finish(self):
        self.endpoint.close()
        run_guarded(self._say_bye)
        self.worker.stop(time.monotonic() + 3.0)
        self._close_device()

    def _say_bye(self):
        """What waits, then the RESET; a line that takes nothing is given
        half a second."""
        self._unsent += self.endpoint.take_output(time.monotonic(), 0)
        limit = time.monotonic() + 0.5
        poller = select.poll()
        if self.device.fd < 0:
            return
        poller.register(self.device.fd, select.POLLOUT)
        while self._unsent and time.monotonic() < limit:
            if any(event & (select.POLLHUP | select.POLLERR) for _, event in poller.poll(100)):
                return
            self._write()
        self._drain(limit)

    def _drain(self, limit):
        """Lets the bytes leave before the old settings come back."""
        if self.kind == 'channel':
            return
        word = bytearray(4)
        while time.monotonic() < limit:
            try:
                fcntl.ioctl(self.device.fd, termios.TIOCOUTQ, word)
            except OSError:
                return
            if not any(word):
                return
            time.sleep(0.01)

    def _close_device(self):
        self._close_edge()
        self.device.close()

    def _reopen(self):
        """Until the port is back or the receiver stops."""
        self.parser.clear()
        self._unsent = b''
        while not self._stopping:
            poller = select.poll()
            poller.register(self._waker, select.POLLIN)
            if poller.poll(int(REOPEN_S * 1000)):
                self._waker.clear()
            self.endpoint.tick(time.monotonic())
            self.endpoint.take_output(time.monotonic(), 0)      # into the void
            try:
                self.device = Device(self.path, self.speed)
            except OSError as error:
                log.debug('%s: %s' % (self.path, error.strerror))
                continue
            log.warning('%s: reconnected' % self.path)
            return

    def _serve(self):
        poller = select.poll()
        poller.register(self._waker, select.POLLIN)
        poller.register(self.device.fd, select.POLLIN)
        wants_out = False
        while not self._stopping:
            now = time.monotonic()
            held = self.endpoint.held_until(now)
            if held is not None:
                self._rest(held - now)
                continue
            self._flush(now)
            if bool(self._unsent) != wants_out:
                wants_out = bool(self._unsent)
                poller.modify(self.device.fd, select.POLLIN | (select.POLLOUT if wants_out else 0))
            if self._hung:
                self._wait_for_host(self._timeout(now))
                continue
            ready = 0
            for fd, event in poller.poll(self._timeout(now)):
                if fd == self._waker.fileno():
                    self._waker.clear()
                else:
                    ready = event
            self._turn(ready)

    def _rest(self, seconds):
        """Until there is something to say, or so long."""
        poller = select.poll()
        poller.register(self._waker, select.POLLIN)
        if poller.poll(int(seconds * 1000) + 1):
            self._waker.clear()

    def _turn(self, ready):
        if ready & select.POLLNVAL:
            raise PortGone('the port is gone')
        if ready & select.POLLIN:
            self._nap()
            self._read()
        elif ready & (select.POLLHUP | select.POLLERR):
            self._hang_up()
        now = time.monotonic()
        if self.parser.kept and now - self._heard >= IDLE_S and not self._input_waits():
            self._heard = now
            self.parser.idle()
            self._dispatch(now)
        self.endpoint.tick(now)

    def _input_waits(self):
        """True if bytes came while a busy machine kept us from looking: the
        line was not idle then."""
        check = select.poll()
        check.register(self.device.fd, select.POLLIN)
        return bool(check.poll(0))

    def _timeout(self, now):
        """Milliseconds until something is due; None for never."""
        deadline = self.endpoint.deadline(now)
        if self.parser.kept:
            idle = self._heard + IDLE_S
            deadline = idle if deadline is None else min(deadline, idle)
        if deadline is None:
            return None
        return max(0, int((deadline - now) * 1000) + 1)

    # -- bytes in ------------------------------------------------------------

    def _nap(self):
        """A UART wakes us for every few bytes.  In the middle of a frame a
        short sleep lets them collect, which leaves the processor to the
        driver; no answer can be due before the frame is whole, and the
        window keeps what comes in that time far below the tty's buffer.
        True if it slept."""
        if self.kind != 'uart':
            return False
        nap = min(NAP_MAX_S, self.parser.missing * self._byte_s * 0.75)
        self._napped = nap > NAP_MIN_S
        if self._napped:
            time.sleep(nap)
        return self._napped

    def _learn_rate(self, count, now):
        """How long a byte takes on this line, from what came during a nap."""
        if self._napped and count > 64:
            took = (now - self._heard) / count
            self._byte_s += (min(max(took, 1e-6), 1e-4) - self._byte_s) / 8

    def _read(self):
        for _ in range(8):                  # then let output and clocks have their turn
            space = self.parser.space()
            try:
                if self._reads > 1:
                    # O_NONBLOCK makes the kernel fill one piece after the
                    # other as long as there is data: 64 KiB a call, not 4
                    pieces = [space[i * CHANNEL_READ:(i + 1) * CHANNEL_READ]
                              for i in range(self._reads)]
                    count = os.readv(self.device.fd, pieces)
                else:
                    count = os.readv(self.device.fd, [space])
            except BlockingIOError:
                count = None
            except OSError as error:
                if error.errno in GONE:
                    raise PortGone(error.strerror)
                raise
            if count == 0:
                self._hang_up()
                return
            if self._hung:
                self._host_is_back()
            if count is None:
                return
            now = time.monotonic()
            self._learn_rate(count, now)
            self._heard = now
            self.parser.filled(count)
            if self.parser.worth_a_look:
                self._dispatch(now)
                if count < 2048:
                    return
            elif count < 2048 and not self._nap():
                return                      # a nap again: nothing is due before the frame is whole

    def _dispatch(self, now):
        with self.worker:
            for frame in self.parser.frames():
                self.endpoint.handle(frame, now)

    def _hang_up(self):
        """No host at the other end.  A channel waits for one; a terminal
        whose other end is gone must be opened again."""
        if self.kind != 'channel':
            raise PortGone('the other end is closed')
        if not self._hung:
            log.debug('%s: no host is connected' % self.path)
        self._hung = True
        self._unsent = b''                  # nobody will read it
        self.parser.clear()

    def _wait_for_host(self, timeout):
        """poll() reports a channel without a host as readable at once and
        always, so it can't wait for one: an edge-triggered epoll can."""
        limit = UNPLUGGED_S if timeout is None else min(UNPLUGGED_S, timeout / 1000.0)
        if self._edge is None:
            self._edge = select.epoll()
            self._edge.register(self.device.fd, select.EPOLLIN | select.EPOLLET)
            self._edge.register(self._waker, select.EPOLLIN)
            limit = 0                       # the first report may be of what we know: the read tells
        if any(fd == self._waker.fileno() for fd, _ in self._edge.poll(limit)):
            self._waker.clear()
        self._read()                        # 0 bytes: still nobody there
        self.endpoint.tick(time.monotonic())

    def _host_is_back(self):
        log.debug('%s: a host is connected' % self.path)
        self._close_edge()

    def _close_edge(self):
        if self._edge is not None:
            self._edge.close()
            self._edge = None
        self._hung = False

    # -- bytes out -----------------------------------------------------------

    def _flush(self, now):
        data = self.endpoint.take_output(now, len(self._unsent))
        if self._hung:
            return                          # lost, as on a cut line
        if data:
            self._unsent += data
        if self._unsent:
            self._write()

    def _write(self):
        try:
            self._unsent = self._unsent[os.write(self.device.fd, self._unsent):]
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno in GONE:
                raise PortGone(error.strerror)
            raise
