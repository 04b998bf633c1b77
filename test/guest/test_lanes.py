"""Lanes (section 6): one session's frames through several ports."""

import hashlib
import os
import random
import struct
import tempfile
import unittest
import unittest.mock

from fuzz import plausible
from host import ACK, CONTROL, DATA, RESET, frame, text, untext
from support import SEED, HeldWorker, InlineWorker, receiver, sha256
from test_process import Case
from test_sessions import Peer

LANE = 0x13
WINDOW = receiver.DEVICES['pty'][1]


def lane_payload(number, kind, payload):
    return struct.pack('>IB', number, kind) + payload


def data_payload(offset, content):
    return struct.pack('>Q', offset) + content


class Ports:
    """Endpoints of one receiver, each with a host's side."""

    def __init__(self, count, worker=InlineWorker, device='pty', root=None):
        config = receiver.Config(receiver.Root(root))
        self.config = config
        self.peers = []
        for index in range(count):
            peer = Peer(device=device)
            peer.worker = worker()
            peer.endpoint = receiver.Endpoint(config, '/dev/test%d' % index, device, peer.worker, lambda: None)
            self.peers.append(peer)
        self.sessions = [peer.connect(index + 1) for index, peer in enumerate(self.peers)]

    def send(self, port, kind, stream, payload, flags=1):
        return self.peers[port].reliable(self.sessions[port], kind, stream, payload, flags)

    def lane(self, port, number, kind, stream, payload, flags=1):
        return self.send(port, LANE, stream, lane_payload(number, kind, payload), flags)

    def join(self, port, session):
        out = self.send(port, CONTROL, 9, text('join', session='%08x' % session))
        answers = [untext(f[5]) for f in out if f[0] == CONTROL]
        assert len(answers) == 1, out
        verb, fields = answers[0]
        return fields['code'].decode() if verb == 'error' else verb

    def answers(self, port):
        return [untext(f[5]) for f in self.peers[port].output() if f[0] == CONTROL]

    def told(self, port):
        """(next, window) of the last ACK in answer to a PING's PONG."""
        out = self.peers[port].ping(self.sessions[port], 77)
        return [struct.unpack('>III', f[5])[1:] for f in out if f[0] == 5][-1]


class Joins(unittest.TestCase):
    def test_joined_once(self):
        ports = Ports(3)
        main = ports.sessions[0]
        self.assertEqual(ports.join(1, main), 'done')
        self.assertEqual(ports.join(2, main), 'done')
        self.assertEqual(ports.join(1, main), 'bad-request')
        self.assertEqual(ports.join(1, ports.sessions[2]), 'not-found', 'to a lane')

    def test_whom_nobody_knows(self):
        ports = Ports(2)
        self.assertEqual(ports.join(1, 0x12345678), 'not-found')
        self.assertEqual(ports.join(1, ports.sessions[1]), 'not-found', 'to itself')
        other = Ports(1)
        self.assertEqual(ports.join(1, other.sessions[0]), 'not-found', 'of another receiver')
        pending = ports.peers[0].welcome(99)
        self.assertEqual(ports.join(1, pending), 'not-found', 'that has not spoken yet')

    def test_invalid_numbers(self):
        ports = Ports(1)
        for fields in ({}, {'session': 'x'}, {'session': '-0000001'}, {'session': '123456789'}):
            out = ports.send(0, CONTROL, 9, text('join', **fields))
            codes = [untext(f[5])[1]['code'] for f in out if f[0] == CONTROL]
            self.assertEqual(codes, [b'bad-request'], fields)

    def test_a_session_that_ended(self):
        ports = Ports(2)
        ports.peers[0].send(frame(RESET, 0, 0, ports.sessions[0], 0, text('reset', code='bye')))
        self.assertEqual(ports.join(1, ports.sessions[0]), 'not-found')

    def test_one_that_has_lanes_is_none(self):
        ports = Ports(3)
        self.assertEqual(ports.join(1, ports.sessions[0]), 'done')
        self.assertEqual(ports.join(0, ports.sessions[2]), 'bad-request')
        ports.lane(2, 0, CONTROL, 1, text('stat', path='/'))
        self.assertEqual(ports.join(2, ports.sessions[0]), 'bad-request')

    def test_so_many(self):
        ports = Ports(9)
        codes = [ports.join(port, ports.sessions[0]) for port in range(1, 9)]
        self.assertEqual(codes, ['done'] * 7 + ['too-many'])
        ports.peers[1].send(frame(RESET, 0, 0, ports.sessions[1], 0, text('reset', code='bye')))
        self.assertEqual(ports.join(8, ports.sessions[0]), 'done', 'one has left')

    def test_a_channel_has_none(self):
        ports = Ports(2, device='channel')
        self.assertEqual(ports.join(1, ports.sessions[0]), 'not-found')
        self.assertNotIn(b'lanes', ports.peers[0].endpoint._welcome_text(1, 1))


class Order(unittest.TestCase):
    def test_by_number_whatever_the_port(self):
        ports = Ports(2)
        ports.join(1, ports.sessions[0])
        stats = [text('stat', path='/nothing-%d' % number) for number in range(4)]
        self.assertEqual([f[0] for f in ports.lane(1, 1, CONTROL, 2, stats[1])], [ACK])
        ports.lane(1, 3, CONTROL, 4, stats[3])
        self.assertEqual(ports.answers(0), [])
        out = ports.lane(0, 0, CONTROL, 1, stats[0]) + ports.lane(0, 2, CONTROL, 3, stats[2])
        self.assertEqual([(f[2], untext(f[5])[1]['path']) for f in out if f[0] == CONTROL],
                         [(n + 1, b'/nothing-%d' % n) for n in range(4)])
        self.assertEqual(ports.answers(1), [])

    def test_twice_is_once(self):
        ports = Ports(2)
        ports.join(1, ports.sessions[0])
        stat = text('stat', path='/nothing')
        ports.lane(1, 1, CONTROL, 2, stat)
        out = ports.lane(0, 1, CONTROL, 2, stat) + ports.lane(0, 0, CONTROL, 1, stat) + ports.lane(0, 0, CONTROL, 1, stat)
        self.assertEqual([f[2] for f in out if f[0] == CONTROL], [1, 2])
        self.assertEqual(ports.told(1)[1], WINDOW, 'and nothing stays held')
        self.assertEqual(ports.told(0)[1], WINDOW)

    def test_without_a_join(self):
        ports = Ports(1)
        out = ports.lane(0, 0, CONTROL, 5, text('stat', path='/nothing'))
        self.assertEqual([f[2] for f in out if f[0] == CONTROL], [5])

    def test_a_type_nobody_knows(self):
        ports = Ports(1)
        for number, kind in enumerate((0x1f, LANE, 1)):
            out = ports.lane(0, number, kind, 5, b'?')
            self.assertEqual([untext(f[5])[1]['code'] for f in out if f[0] == CONTROL], [b'unsupported'])

    def test_no_number(self):
        ports = Ports(2)
        ports.join(1, ports.sessions[0])
        out = ports.send(1, LANE, 1, b'\0\0\0\0')
        self.assertEqual([untext(f[5])[1]['code'] for f in out if f[0] == RESET], [b'protocol'])
        self.assertIsNone(ports.peers[1].endpoint.active)
        self.assertIsNotNone(ports.peers[0].endpoint.active, 'the main session goes on')


class Bounds(unittest.TestCase):
    def test_what_waits_is_held(self):
        ports = Ports(2)
        ports.join(1, ports.sessions[0])
        ports.lane(1, 1, DATA, 1, data_payload(0, b'x' * 4000))
        self.assertEqual(ports.told(1)[1], WINDOW - 4000 - 8 - 5 - 28)
        ports.lane(0, 0, DATA, 1, data_payload(0, b'x'))
        self.assertEqual(ports.told(1)[1], WINDOW)

    def test_a_lane_that_ignores_its_window(self):
        ports = Ports(2)
        ports.join(1, ports.sessions[0])
        for number in range(1, 100):
            ports.lane(1, number, DATA, 1, data_payload(0, b'x' * 4000))
        taken, window = ports.told(1)
        self.assertLessEqual(taken, 2 * WINDOW // 4000 + 2)
        self.assertEqual(window, 0)

    def test_lanes_that_come_and_go(self):
        """Each could leave a window behind."""
        ports = Ports(2)
        number = 1
        for nonce in range(100, 150):
            self.assertEqual(ports.join(1, ports.sessions[0]), 'done')
            for _ in range(8):
                ports.lane(1, number, DATA, 1, data_payload(0, b'x' * 4000))
                number += 1
            ports.sessions[1] = ports.peers[1].connect(nonce)
        lanes = ports.peers[0].endpoint.active.lanes
        self.assertLess(lanes._bytes_waiting, 9 * WINDOW)
        out = ports.lane(0, 0, CONTROL, 5, text('stat', path='/nothing'))
        self.assertEqual([f[2] for f in out if f[0] == CONTROL], [5], 'what is needed next is taken')
        self.assertEqual(lanes._bytes_waiting, 0)

    def test_a_worker_that_hangs(self):
        ports = Ports(2, worker=HeldWorker)
        ports.send(1, CONTROL, 9, text('join', session='%08x' % ports.sessions[0]))
        ports.peers[1].worker.run()
        number = 0
        for nonce in range(100, 150):
            for _ in range(8):
                ports.lane(1, number, DATA, 1, data_payload(0, b'x' * 4000))
                number += 1
            ports.sessions[1] = ports.peers[1].connect(nonce)
            ports.send(1, CONTROL, 9, text('join', session='%08x' % ports.sessions[0]))
            ports.peers[1].worker.run()
        held = sum(a[1] for job, a in ports.peers[0].worker.jobs if len(a) == 3)
        self.assertGreater(held, 0)
        self.assertLess(held, 10 * WINDOW)

    def test_the_end_of_the_main_session(self):
        ports = Ports(2)
        ports.join(1, ports.sessions[0])
        ports.lane(1, 1, DATA, 1, data_payload(0, b'x' * 4000))
        ports.peers[0].send(frame(RESET, 0, 0, ports.sessions[0], 0, text('reset', code='bye')))
        self.assertEqual(ports.told(1)[1], WINDOW)
        ports.lane(1, 2, DATA, 1, data_payload(0, b'x' * 4000))
        self.assertEqual(ports.told(1), (3, WINDOW), 'acknowledged and dropped')


class Fuzz(unittest.TestCase):
    def test_whatever_comes_by_three_ports(self):
        """Frames that get somewhere, wrapped in numbers that mostly fit,
        joins of anybody to anybody, sessions that end at any time."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        log = unittest.mock.patch.object(receiver.log, 'say', lambda _, message: self.assertNotIn('defect', message))
        log.start()
        self.addCleanup(log.stop)
        dice = random.Random(SEED)
        ports = Ports(3, root=folder.name)
        for nonce in range(1000, 6000):
            port = dice.randrange(3)
            self.one(dice, ports, port)
            for index, (peer, session) in enumerate(zip(ports.peers, ports.sessions)):
                peer.now += 0.01
                active = peer.endpoint.active
                if active is None or active.number != session or dice.random() < 0.005:
                    peer.output()           # what frames of other ports made it answer
                    ports.sessions[index] = peer.connect(nonce * 3 + index)
                    if dice.random() < 0.7:
                        self.join(dice, ports, index)
                else:                       # the host takes what it is told
                    peer.send(frame(ACK, 0, 0, session, 0, struct.pack(
                        '>II', active.sender.sent, 65536)))
            self.check(ports)
        self.assertGreater(self.joined, 20)

    joined = 0

    def one(self, dice, ports, port):
        active = ports.peers[port].endpoint.active
        if dice.random() < 0.1:
            self.join(dice, ports, port)
            return
        kind, data = plausible(dice, 0, 0)
        number = (active.lanes._next + dice.choice((0, 0, 0, 0, 0, 0, 1, 2, 5, -1, 2 ** 31))) % 2 ** 32
        payload = lane_payload(number, kind, data[24:-4])
        if dice.random() < 0.01:
            payload = payload[:dice.randrange(5)]
        ports.send(port, LANE, dice.choice((1, 2, 3)), payload, dice.choice((0, 1, 2, 3)))

    def join(self, dice, ports, port):
        self.joined += ports.join(port, dice.choice(ports.sessions + [0])) == 'done'

    def check(self, ports):
        self.assertLessEqual(len(ports.config.sessions), 3)
        for peer in ports.peers:
            active = peer.endpoint.active
            self.assertLessEqual(active.reader.held, 3 * WINDOW)
            self.assertLess(active.lanes._bytes_waiting, 9 * WINDOW)
            self.assertLessEqual(len(active.lanes._joined), 2)


class Striped:
    """A host that deals its frames out to several ports in turn, and knows
    what was not acknowledged where."""

    def __init__(self, hosts):
        self.hosts = hosts
        self.number = 0
        self.sent = [[] for _ in hosts]         # (sequence, stream, payload)

    def join(self):
        for host in self.hosts[1:]:
            verb, fields = host.request('join', session=self.hosts[0].welcome['session'].decode())
            assert verb == 'done', fields

    def deal(self, kind, stream, payload, lane):
        self.put(lane, stream, lane_payload(self.number, kind, payload))
        self.number += 1

    def put(self, lane, stream, payload):
        host = self.hosts[lane]
        host.until(lambda: host.has_room(len(payload) + 28) or self.look(), 'room', 20)
        self.sent[lane].append((host.sequence, stream, payload))
        host.send(LANE, stream, payload)

    def look(self):
        """What waits for a number frees no window by itself: hear all ports."""
        for host in self.hosts:
            host.read()
        return False

    def lose(self, lane):
        """What may not have arrived goes over the main port."""
        host = self.hosts.pop(lane)
        for sequence, stream, payload in self.sent.pop(lane):
            if sequence >= host.acked:
                self.put(0, stream, payload)


class Processes(Case):
    def ports(self, lines):
        process = self.start(lines=lines)
        hosts = [process.host(line).connect() for line in range(lines)]
        striped = Striped(hosts)
        striped.join()
        return process, striped

    def copy(self, striped, name, content, on_step=lambda step: None):
        main = striped.hosts[0]
        stream = 7
        step = main.frame - 8
        striped.deal(CONTROL, stream, text('put', path=self.path(name), size=len(content)), 0)
        for index, at in enumerate(range(0, len(content), step)):
            striped.deal(DATA, stream, data_payload(at, content[at:at + step]), index % len(striped.hosts))
            on_step(index)
        commit = text('commit', size=len(content), sha256=hashlib.sha256(content).hexdigest())
        striped.deal(CONTROL, stream, commit, 0)
        verb, fields = main.answer(stream, 2)
        self.assertEqual((verb, fields.get('sha256')), ('done', sha256(content).encode()), fields)
        self.assertEqual(self.read(name), content)

    def test_three_ports(self):
        _, striped = self.ports(3)
        self.copy(striped, 'f', os.urandom(400000))
        for host in striped.hosts:
            self.assertGreater(host.acked, 20)

    def test_a_port_is_lost_in_the_middle(self):
        process, striped = self.ports(2)

        def pull_the_plug(step):
            if step == 41:                      # the frame before went to the port that goes
                os.close(process.lines[1].master)
                process.lines[1].master = -1
                striped.lose(1)
        self.copy(striped, 'f', os.urandom(400000), pull_the_plug)
        self.assertIn(b'waiting for it to come back', process.read_log())

    def test_the_main_port_is_lost(self):
        _, striped = self.ports(2)
        striped.deal(CONTROL, 7, text('put', path=self.path('f'), size=10), 0)
        striped.hosts[0].answer(7)
        striped.hosts[0].write(frame(RESET, 0, 0, striped.hosts[0].session, 0, text('reset', code='bye')))
        self.until(lambda: self.names() == [], 'the unfinished file is removed')
        striped.deal(DATA, 7, data_payload(0, b'0123456789'), 1)
        striped.hosts[1].ping(5)
        self.assertEqual(striped.hosts[1].acked, 2, 'join and LANE have arrived')
        self.assertEqual(striped.hosts[1].window, WINDOW, 'and nothing of them is held')
        self.assertEqual(self.names(), [])


if __name__ == '__main__':
    unittest.main()
