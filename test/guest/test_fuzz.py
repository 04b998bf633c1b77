"""10,000 mutated frames into an Endpoint, in step with its sequence numbers so
that they reach the requests; everything in one thread and with a clock that
is a number, so that a failure can be repeated by its seed.  And puts with
compression, basis and partial file, compared with what they should make."""

import collections
import os
import random
import struct
import tempfile
import unittest
import unittest.mock
import zlib

from fuzz import mutated, plausible
from host import HERE, frame, untext
from support import SEED, Bench, partial_of, receiver, sha256
from test_sessions import Peer

COUNT = 10000


class Fuzz(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)
        for name in ('root', 'root/dir', 'home'):
            os.mkdir(os.path.join(self.folder, name))
        os.symlink('/etc', os.path.join(self.folder, 'root/l'))
        with open(os.path.join(self.folder, 'root/a'), 'wb') as file:
            file.write(b'x' * 100)
        self.log = []
        log = unittest.mock.patch.object(receiver.log, 'say', lambda *said: self.log.append(said))
        log.start()
        self.addCleanup(log.stop)

    def run_seed(self, seed, count):
        dice = random.Random(seed)
        peer = Peer('uart', root=os.path.join(self.folder, 'root'))
        descriptors = len(os.listdir('/proc/self/fd'))
        session, seen, sessions = peer.connect(0), set(), 1
        for _ in range(count):
            active = peer.endpoint.active
            if active is None or active.number != session:
                peer.parser.clear()
                sessions += 1
                session = peer.connect(1000 + sessions)
                active = peer.endpoint.active
            _, data = plausible(dice, session, active.reader.next)
            out = peer.send(mutated(dice, data))
            if peer.parser.kept and dice.random() < 0.9:
                while peer.parser.kept:
                    peer.parser.idle()
                    for item in peer.parser.frames():
                        peer.endpoint.handle(item, peer.now)
                out += peer.output()
            peer.now += 0.01
            for kind, _, _, _, _, payload in out:
                if kind == 0x10:
                    verb, fields = untext(payload)
                    seen.add(fields['code'].decode() if verb == 'error' else verb)
                elif kind == HERE:
                    seen.add('here')
            if peer.endpoint.active is not None:    # the host takes what it is told
                sender = peer.endpoint.active.sender
                peer.send(frame(3, 0, 0, session, 0, struct.pack(
                    '>II', sender.sent, 65536)))
            self.check_bounds(peer, descriptors)
        return seen

    def check_bounds(self, peer, descriptors):
        self.assertLessEqual(len(peer.endpoint.pending), receiver.PENDING_MAX)
        for session in peer.endpoint.sessions():
            requests = session.requests
            self.assertLessEqual(len(requests.open) + len(requests.draining), receiver.STREAMS + 70)
            self.assertLessEqual(session.reader.held, 3 * receiver.DEVICES['pty'][1])
        self.assertLess(len(peer.parser._pool), 3)
        self.assertLess(len(peer.parser._knocks.tail), 24)

    def test_mutated_frames(self):
        descriptors = len(os.listdir('/proc/self/fd'))
        seen = self.run_seed(SEED, COUNT)
        self.assertGreaterEqual(len(seen), 13, seen)
        self.assertIn('here', seen)
        self.assertNotIn('internal', seen)
        self.assertEqual([m for level, m in self.log if level == 'error'], [])
        self.assertEqual(sorted(os.listdir(self.folder)), ['home', 'root'])
        self.assertFalse(os.path.exists('/etc/fuzz'))
        self.assertLess(len(os.listdir('/proc/self/fd')), descriptors + 40)


class Puts(unittest.TestCase):
    """Whole puts of section 6, mostly right, beside a model of what they make."""

    COUNT = 600

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(os.path.realpath(folder.name), 'f')
        self.bench = Bench()
        self.addCleanup(self.bench.close)

    @property
    def partial(self):
        folder = os.path.dirname(self.path)
        return os.path.join(folder, partial_of(folder))

    def content(self, name):
        if not os.path.exists(name):
            return None
        with open(name, 'rb') as file:
            return file.read()

    def begin(self, dice):
        """(options, what is there of the file, the basis)"""
        options = {key: value for key, value in (('basis', 1), ('resume', 1), ('encoding', 'deflate'))
                   if dice.random() < 0.7}
        before = self.content(self.path), self.content(self.partial)
        accept = self.bench.send(1, 'put', path=self.path, conflict='overwrite', **options)[0]
        self.assertEqual(accept[1], 'accept', accept)
        there = self.bench.requests.open[1].incoming.received
        if 'partial' in accept[2]:
            self.assertEqual((there, sha256(before[1]).encode()), (len(before[1]), accept[2]['partial-sha256']))
        self.assertEqual(int(accept[2].get('partial', 0)), there)
        self.assertEqual(int(accept[2].get('basis', -1)), -1 if before[0] is None or 'basis' not in options
                         else len(before[0]))
        return options, before[1] if there and dice.random() < 0.7 else b'', before[0]

    def fill(self, dice, options, made, basis):
        """Sends frames; what the file should hold then, and the answers."""
        stream, answers = zlib.compressobj(6, zlib.DEFLATED, -15), []
        for _ in range(dice.randint(0, 6)):
            new = bytes([dice.randrange(256)]) * dice.choice((0, 1, 500, 40000, 300000))
            kind, at = dice.random(), len(made)
            if dice.random() < 0.01:
                at = dice.randrange(2 ** 64)
            if kind < 0.4 and 'encoding' in options:
                piece = stream.compress(new) + stream.flush(zlib.Z_SYNC_FLUSH)
                if dice.random() < 0.03:
                    piece = bytes([piece[0] ^ 6]) + piece[1:]
                cut = dice.randrange(len(piece) + 1)
                answers += self.bench.data(1, piece[:cut], at, True) + self.bench.data(1, piece[cut:], at, True)
            elif kind < 0.7 and 'basis' in options and basis is not None:
                ranges = []
                for _ in range(dice.randint(1, 4)):
                    start = dice.randint(0, len(basis))
                    ranges.append((start, dice.randint(0, min(300000, len(basis) - start)) + (dice.random() < 0.01)))
                new = b''.join(basis[start:start + length] for start, length in ranges)
                answers += self.bench.copy(1, at, *ranges)
            else:
                answers += self.bench.data(1, new, at)
            made += new
        return made, answers

    def test_puts(self):
        dice, ends = random.Random(SEED), collections.Counter()
        descriptors = len(os.listdir('/proc/self/fd'))
        for _ in range(self.COUNT):
            old = self.content(self.path)
            options, made, basis = self.begin(dice)
            made, answers = self.fill(dice, options, made, basis)
            end = dice.choices(('commit', 'cancel', 'keep', 'drop'), (6, 1, 3, 2))[0]
            failed, put = bool(answers), self.bench.requests.open.get(1)
            there = put.incoming.received if put is not None else 0
            if end == 'drop':
                self.bench.requests.close()
                self.bench.requests.closed = False
            elif end == 'commit':
                answers += self.bench.send(1, 'commit', size=len(made), sha256=sha256(made))
            else:
                answers += self.bench.send(1, 'cancel', **({'keep': 1} if end == 'keep' else {}))
            done = bool(answers) and answers[-1][1] == 'done'
            ends.update([end] + [a[2].get('code', b'done').decode() for a in answers])
            self.assertEqual(len(answers), 0 if end == 'drop' and not failed else 1)
            self.assertEqual(self.content(self.path), made if done else old)
            stays = 'resume' in options and end in ('keep', 'drop') and not failed and there >= receiver.PARTIAL_MIN
            if 'resume' in options:
                self.assertEqual(os.path.exists(self.partial), stays)
            self.assertLessEqual(len(os.listdir(os.path.dirname(self.path))), 2)
            self.assertEqual((self.bench.requests.open, self.bench.requests.draining), ({}, set()))
        self.assertEqual(len(os.listdir('/proc/self/fd')), descriptors)
        self.assertLessEqual({'done', 'bad-data', 'bad-request', 'cancelled', 'commit', 'keep', 'drop'}, set(ends))
        self.assertGreater(ends['done'], self.COUNT // 4)


if __name__ == '__main__':
    unittest.main()
