"""10,000 mutated frames into an Endpoint, in step with its sequence numbers so
that they reach the requests; everything in one thread and with a clock that
is a number, so that a failure can be repeated by its seed."""

import os
import random
import struct
import tempfile
import unittest

from fuzz import mutated, plausible
from host import frame, text, untext
from support import SEED, receiver
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
        self.log = []
        self.addCleanup(setattr, receiver.log, 'say', receiver.log.say)
        receiver.log.say = lambda level, message: self.log.append((level, message))

    def run_seed(self, seed, count):
        dice = random.Random(seed)
        peer = Peer('uart', root=os.path.join(self.folder, 'root'))
        descriptors = len(os.listdir('/proc/self/fd'))
        session, seen, sessions = peer.connect(0), set(), 1
        for number in range(count):
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
            if peer.endpoint.active is not None:    # the host takes what it is told
                sender = peer.endpoint.active.sender
                peer.send(frame(3, 0, 0, session, 0, struct.pack(
                    '>II', sender.base + sender._under_way, 65536)))
            self.check_bounds(peer, descriptors)
        return seen

    def check_bounds(self, peer, descriptors):
        self.assertLessEqual(len(peer.endpoint.pending), receiver.PENDING_MAX)
        for session in peer.endpoint.sessions():
            requests = session.requests
            self.assertLessEqual(len(requests.open) + len(requests.draining), receiver.STREAMS + 70)
            self.assertLessEqual(session.reader.held, 3 * 16384)
        self.assertLess(len(peer.parser._pool), 3)

    def test_mutated_frames(self):
        descriptors = len(os.listdir('/proc/self/fd'))
        seen = self.run_seed(SEED, COUNT)
        self.assertGreaterEqual(len(seen), 12, seen)
        self.assertNotIn('internal', seen)
        self.assertEqual([m for level, m in self.log if level == 'error'], [])
        self.assertEqual(sorted(os.listdir(self.folder)), ['home', 'root'])
        self.assertFalse(os.path.exists('/etc/fuzz'))
        self.assertLess(len(os.listdir('/proc/self/fd')), descriptors + 40)


if __name__ == '__main__':
    unittest.main()
