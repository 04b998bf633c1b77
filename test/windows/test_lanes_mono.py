"""Section 6's lanes with the engine of receiver.ps1 under Mono: whole copies,
and the tests that look at single frames, over as many ptys as they want ports.
Leaves out tests that look into receiver.py itself."""

import os
import random
import struct
import tempfile
import time
import unittest

from windows import OnMono

import test_lanes  # noqa: E402  (found once windows is imported)
from fuzz import plausible
from host import ACK, CONTROL, DATA, HELLO, PING, PONG, RESET, Host, Lost, Receiver, frame, text, untext
from support import SEED
from test_lanes import LANE, WINDOW, data_payload, lane_payload

BARRIER = 65000     # a stream of our own


class RemotePeer:
    """What tests do to a Peer, at the other end of a line."""

    def __init__(self, line):
        self.host = Host(line.master)
        self.ids = iter(range(1000, 1 << 31))
        self.seen = self.barriers = 0
        self.endpoint = self

    def connect(self):
        self.host.connect()
        self.barriers = 0
        return self.host.session

    def welcome(self, nonce):
        """A session that has not spoken yet, besides the one there is."""
        self.host.write(frame(HELLO, 0, 0, nonce, 0, text('hello', protocol='1-1')))
        self.host.until(lambda: any(f[0] == 2 and f[3] == nonce for f in self.host.frames))
        return int(untext([f for f in self.host.frames if f[3] == nonce][0][5])[1]['session'], 16)

    @property
    def active(self):
        return self.host.session if self.wait() else None

    def wait(self):
        """Until all bytes before were looked at; False if the session has ended."""
        number, session = next(self.ids), self.host.session
        before = len(self.host.frames)

        def answered():
            return [f for f in self.host.frames[before:] if f[3] == session and (
                f[0] == RESET or f[0] == PONG and f[5][:4] == struct.pack('>I', number))]
        for _ in range(20):                     # a RESET is said every 500 ms
            self.host.write(frame(PING, 0, 0, session, 0, struct.pack('>I', number)))
            try:
                self.host.until(answered, timeout_s=0.7)
                break
            except Lost:
                continue
        return answered()[-1][0] == PONG

    def told(self):
        """(next, window), once they stay as they are."""
        last, times = None, 0
        while times < 5:
            assert self.wait()
            now = struct.unpack('>II', [f for f in self.host.frames if f[0] == PONG][-1][5][4:])
            last, times = now, times + 1 if now == last else 0
            time.sleep(0.01)
        return last[0] - self.barriers, last[1]

    def barrier(self):
        """All that was sent here before is done: a worker keeps the order."""
        if not self.wait():
            return
        self.barriers += 1
        self.host.answers.pop(BARRIER, None)
        self.write(CONTROL, BARRIER, text('stat', path='/'))
        self.host.answer(BARRIER)

    def write(self, kind, stream, payload, flags=1):
        """Whatever the window."""
        self.host.write(frame(kind, flags, stream, self.host.session, self.host.sequence, payload))
        self.host.sequence += 1

    def send(self, data):
        self.host.write(data)
        self.wait()

    def output(self):
        """What came since, but for what we have asked for ourselves."""
        new, self.seen = self.host.frames[self.seen:], len(self.host.frames)
        return [f for f in new if f[0] != PONG and f[2] != BARRIER
                and not (f[0] == RESET and untext(f[5])[1]['code'] == b'unknown-session')]


class RemotePorts(test_lanes.Ports):
    opened = []

    def __init__(self, count, root=None):
        process = Receiver(*(('--root', root) if root else ()), lines=count)
        self.opened.append(process)
        self.peers = [RemotePeer(line) for line in process.lines]
        self.sessions = [peer.connect() for peer in self.peers]
        for peer in self.peers:
            peer.output()

    def send(self, port, kind, stream, payload, flags=1):
        peer = self.peers[port]
        peer.output()
        peer.write(kind, stream, payload, flags)
        # not a PING at once: its PONG would take the place of the ACK
        peer.host.until(lambda: any(f[0] in (ACK, RESET) for f in peer.host.frames[peer.seen:]))
        out = peer.output()
        for one in {peer, self.peers[0]}:
            one.barrier()
        return out + [f for f in peer.output() if f[0] != ACK]

    def told(self, port):
        return self.peers[port].told()


class OnPorts(OnMono):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(setattr, test_lanes, 'Ports', test_lanes.Ports)
        test_lanes.Ports = RemotePorts

    def tearDown(self):
        while RemotePorts.opened:
            RemotePorts.opened.pop().close()
        super().tearDown()


class Joins(OnPorts, test_lanes.Joins):
    test_a_channel_has_none = None              # a pty is none

    def test_it_is_announced(self):
        capabilities = RemotePorts(1).peers[0].host.welcome['capabilities'].split(b',')
        self.assertIn(b'lanes', capabilities)
        self.assertIn(b'bundle', capabilities)


class Order(OnPorts, test_lanes.Order):
    pass


class Bounds(OnPorts, test_lanes.Bounds):
    test_a_worker_that_hangs = None             # holds the worker

    def test_a_lane_that_ignores_its_window(self):
        ports = RemotePorts(2)
        ports.join(1, ports.sessions[0])
        for number in range(1, 100):
            ports.peers[1].write(LANE, 1, lane_payload(number, DATA, data_payload(0, b'x' * 4000)))
        taken, window = ports.told(1)
        self.assertLessEqual(taken, 2 * WINDOW // 4000 + 4)     # with join and a barrier or two
        self.assertEqual(window, 0)

    def test_lanes_that_come_and_go(self):
        """Each could leave a window behind."""
        ports = RemotePorts(2)
        peer, number, taken = ports.peers[1], 1, 0
        for _ in range(30):
            self.assertEqual(ports.join(1, ports.sessions[0]), 'done')
            joined = ports.told(1)[0]
            for _ in range(8):
                peer.write(LANE, 1, lane_payload(number, DATA, data_payload(0, b'x' * 4000)))
                number += 1
            taken += ports.told(1)[0] - joined
            ports.sessions[1] = peer.connect()
        self.assertGreater(taken * 4041, 7 * WINDOW)
        self.assertLess(taken * 4041, 9 * WINDOW + 4041)
        out = ports.lane(0, 0, CONTROL, 5, text('stat', path='/nothing'))
        self.assertEqual([f[2] for f in out if f[0] == CONTROL], [5], 'what is needed next is taken')


class Fuzz(OnPorts, unittest.TestCase):
    def test_whatever_comes_by_three_ports(self):
        """Joins and frames that get somewhere, from ports whose readers run at the same time."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        dice = random.Random(SEED)
        ports = RemotePorts(3, folder.name)
        for _ in range(40):
            for index, peer in enumerate(ports.peers):
                ports.sessions[index] = peer.connect()
            for lane in (1, 2):
                peer = ports.peers[lane]
                peer.write(CONTROL, 9, text('join', session='%08x' % ports.sessions[dice.choice((0, 0, 0, 3 - lane))]))
            number = 0
            for _ in range(40):
                kind, data = plausible(dice, 0, 0)
                wrapped = lane_payload(number + dice.choice((0, 0, 0, 0, 1, 2)), kind, data[24:-4][:3000])
                ports.peers[dice.randrange(3)].write(LANE, dice.choice((1, 2, 3)), wrapped, dice.choice((0, 1, 2, 3)))
                number += 1
                for peer in ports.peers:
                    peer.host.read()
        for index, peer in enumerate(ports.peers):
            ports.sessions[index] = peer.connect()
            peer.barrier()
        self.assertNotIn(b'defect', RemotePorts.opened[0].read_log())


class Processes(OnMono, test_lanes.Processes):
    def test_a_cancel_by_a_lane(self):
        _, striped = self.ports(2)
        striped.deal(CONTROL, 7, text('put', path=self.path('f'), size=100000), 0)
        for at in range(5):
            striped.deal(DATA, 7, data_payload(at * 1000, os.urandom(1000)), at % 2)
        striped.deal(CONTROL, 7, text('cancel'), 1)
        verb, fields = striped.hosts[0].answer(7, 2)
        self.assertEqual((verb, fields['code'], self.names()), ('error', b'cancelled', []))


if __name__ == '__main__':
    unittest.main()
