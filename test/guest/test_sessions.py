"""Endpoint: HELLO to RESET with a clock that is a number and no line."""

import os
import select
import struct
import tempfile
import unittest
import unittest.mock

from fuzz import piece
from host import frame, knock, text, untext
from support import HeldWorker, InlineWorker, parse, partial_of, receiver, sha256

WINDOW = receiver.DEVICES['pty'][1]

HELLO, WELCOME, ACK, PING, PONG, RESET, HERE, CONTROL, DATA, COPY = 1, 2, 3, 4, 5, 6, 7, 16, 17, 18


class Peer:
    """The host's side of one Endpoint."""

    def __init__(self, device='pty', worker=None, read_only=False, root=None):
        self.worker = worker or InlineWorker()
        config = receiver.Config(receiver.Root(root), read_only)
        self.endpoint = receiver.Endpoint(config, '/dev/test', device, self.worker, lambda: None)
        self.now = 100.0
        self.parser = receiver.Parser(65536, knocked=self.endpoint.knock)
        self.reader = receiver.Parser(65536)
        self.sequence = {}

    def send(self, data):
        for item in parse(self.parser, data):
            self.endpoint.handle(item, self.now)
        return self.output()

    def output(self):
        self.endpoint.tick(self.now)
        data = self.endpoint.take_output(self.now)
        return [(f.type, f.flags, f.stream, f.session, f.sequence, bytes(f.payload))
                for f in parse(self.reader, data)]

    def hello(self, nonce, **changed):
        fields = dict(protocol='1-1', agent='test', frame=65536, window=65536)
        fields.update(changed)
        return self.send(frame(HELLO, 0, 0, nonce, 0, text('hello', **fields)))

    def welcome(self, nonce, **changed):
        out = self.hello(nonce, **changed)
        assert [f[0] for f in out] == [WELCOME], out
        assert out[0][3] == nonce
        return int(untext(out[0][5])[1]['session'], 16)

    def ping(self, session, number=1):
        return self.send(frame(PING, 0, 0, session, 0, struct.pack('>I', number)))

    def connect(self, nonce=1):
        session = self.welcome(nonce)
        assert [f[0] for f in self.ping(session)] == [PONG]
        return session

    def reliable(self, session, kind, stream, payload, flags=1):
        number = self.sequence.get(session, 0)
        self.sequence[session] = number + 1
        return self.send(frame(kind, flags, stream, session, number, payload))

    def control(self, session, stream, verb, **fields):
        return self.reliable(session, CONTROL, stream, text(verb, **fields))


def controls(frames):
    return [(f[2],) + untext(f[5]) for f in frames if f[0] == CONTROL]


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def names(self):
        return sorted(os.listdir(self.folder))


class Hello(Folder):
    def test_welcome_tells_all(self):
        peer = Peer('uart', read_only=True, root=self.folder)
        fields = untext(peer.hello(7)[0][5])[1]
        self.assertEqual({k: fields[k] for k in ('protocol', 'system', 'separator', 'device', 'port', 'frame',
                                                 'window', 'streams', 'capabilities', 'root', 'read-only')},
                         {'protocol': b'1', 'system': b'linux', 'separator': b'/', 'device': b'uart',
                          'port': b'/dev/test', 'frame': b'4096', 'window': b'32768', 'streams': b'16',
                          'capabilities': b'symlink,mode,mtime,deflate,delta,resume,unchanged,bundle,zstd,lanes',
                          'read-only': b'1',
                          'root': os.fsencode(os.path.realpath(self.folder))})
        self.assertEqual(len(fields['session']), 8)
        self.assertRegex(fields['agent'].decode(), r'^receiver\.py/\d')

    def test_every_device(self):
        for device, (size, window) in {'uart': (4096, 32768), 'console': (65536, 196608),
                                       'channel': (262144, 4194304), 'pty': (4096, 32768)}.items():
            fields = untext(Peer(device).hello(7)[0][5])[1]
            self.assertEqual((fields['device'], fields['frame'], fields['window']),
                             (device.encode(), b'%d' % size, b'%d' % window))

    def test_same_nonce_same_welcome(self):
        peer = Peer()
        self.assertEqual(peer.hello(5), peer.hello(5))
        session = peer.welcome(5)
        peer.ping(session)
        self.assertEqual(peer.welcome(5), session)
        self.assertNotEqual(peer.welcome(6), session)

    def test_later_version_is_agreed_down(self):
        self.assertEqual(untext(Peer().hello(1, protocol='1-9')[0][5])[1]['protocol'], b'1')

    def test_no_common_version(self):
        for versions in ('2-3', '0-0'):
            out = Peer().hello(9, protocol=versions)
            self.assertEqual([f[0] for f in out], [RESET])
            self.assertEqual(out[0][3], 9)
            verb, fields = untext(out[0][5])
            self.assertEqual((verb, fields['code'], fields['protocol']), ('reset', b'version', b'1-1'))
            self.assertIn('message', fields)

    def test_invalid_hello_is_met_with_silence(self):
        peer = Peer()
        for payload in (b'', b'hello\n', b'hello\nprotocol=1\n', b'hello\nprotocol=1-x\n', b'hello\nprotocol=1-1',
                        b'welcome\nprotocol=1-1\n', b'hello\nprotocol=1-1\nprotocol=1-1\n',
                        b'hello\nprotocol=1-1\nwindow=-1\n', b'hello\nprotocol=1-1\nframe=x\n', b'\xff\xfe'):
            self.assertEqual(peer.send(frame(HELLO, 0, 0, 4, 0, payload)), [], payload)

    def test_many_hellos_do_not_grow(self):
        peer = Peer()
        for nonce in range(1000):
            peer.hello(nonce)
        self.assertLessEqual(len(peer.endpoint.pending), receiver.PENDING_MAX)


class Knocks(Folder):
    def here(self, nonce):
        return (HERE, 0, 0, nonce, 0, b'')

    def test_here_on_every_device(self):
        for device in receiver.DEVICES:
            peer = Peer(device)
            for nonce in (0, 0x0badcafe, 0xffffffff):
                self.assertEqual(peer.send(b'noise' + knock(nonce) + b'\x15'), [self.here(nonce)], device)
            self.assertEqual((peer.endpoint.sessions(), peer.endpoint.deadline(peer.now)), ([], None))

    def test_knock_and_hello_in_one_read(self):
        peer = Peer()
        out = peer.send(knock(7) + frame(HELLO, 0, 0, 7, 0, text('hello', protocol='1-1')))
        self.assertEqual([(f[0], f[3]) for f in out], [(HERE, 7), (WELCOME, 7)])

    def test_the_active_session_goes_on(self):
        peer = Peer()
        session, path = peer.connect(1), os.path.join(self.folder, 'f')
        peer.control(session, 1, 'put', path=path, size=6)
        for at in (0, 3):
            self.assertEqual(peer.send(knock(1) + knock(2)), [self.here(1), self.here(2)])
            peer.reliable(session, DATA, 1, struct.pack('>Q', at) + b'abc')
        self.assertEqual(peer.send(knock(2)), [self.here(2)])
        out = peer.control(session, 1, 'commit', size=6, sha256=sha256(b'abcabc'))
        self.assertEqual([c[1] for c in controls(out)], ['done'])

    def test_is_no_frame_of_a_session(self):
        peer = Peer()
        active, pending = peer.connect(1), peer.welcome(2)
        for number in (1, 2, active, pending):
            peer.now += 7
            self.assertEqual(peer.send(knock(number)), [self.here(number)])
        self.assertEqual(peer.endpoint.active.number, active)
        peer.now += 2.1                         # 30.1 s without a frame
        peer.output()
        self.assertEqual(peer.endpoint.sessions(), [])

    def test_here_thrown_back_by_the_line(self):
        peer = Peer()
        session = peer.connect(1)
        for number in (5, session):
            peer.now += 16
            self.assertEqual(peer.send(frame(HERE, 0, 0, number, 0)), [])
        self.assertEqual(peer.endpoint.sessions(), [], 'nobody has been heard')

    def test_a_line_that_takes_nothing_is_not_flooded(self):
        peer = Peer()
        for nonce in range(10000):
            parse(peer.parser, knock(nonce))
            peer.endpoint.take_output(peer.now, waiting=70000)
        self.assertLess(len(peer.endpoint.out), 3)
        peer.endpoint.take_output(peer.now)
        self.assertEqual(peer.send(knock(7)), [self.here(7)])


class Sessions(Folder):
    def put(self, peer, session, name, stream=1):
        return controls(peer.control(session, stream, 'put', path=os.path.join(self.folder, name)))

    def test_hello_alone_drops_nothing(self):
        peer = Peer()
        old = peer.connect(1)
        self.assertEqual(self.put(peer, old, 'f')[0][1], 'accept')
        self.assertEqual(len(self.names()), 1)
        new = peer.welcome(2)
        self.assertEqual(len(self.names()), 1)
        self.assertEqual([f[0] for f in peer.ping(old)], [PONG])
        self.assertEqual([f[0] for f in peer.ping(new)], [PONG])
        self.assertEqual(self.names(), [], 'the old session is gone with its first frame')
        self.assertEqual([f[0] for f in peer.ping(old)], [RESET])

    def test_silence_of_30_s(self):
        peer = Peer()
        session = peer.connect()
        self.put(peer, session, 'f')
        peer.send(frame(ACK, 0, 0, session, 0, struct.pack('>II', 1, 65536)))
        peer.now += 29.9
        peer.output()
        self.assertEqual(len(self.names()), 1)
        peer.ping(session)
        peer.now += 29.9
        peer.output()
        self.assertEqual(len(self.names()), 1)
        peer.now += 0.2
        self.assertEqual(peer.output(), [])
        self.assertEqual(self.names(), [])
        self.assertEqual([f[0] for f in peer.ping(session)], [RESET])

    def test_pending_sessions_end_too(self):
        peer = Peer()
        session = peer.welcome(3)
        peer.now += 31
        peer.output()
        self.assertEqual([f[0] for f in peer.ping(session)], [RESET])

    def test_reset_ends_a_session_without_an_answer(self):
        peer = Peer()
        session = peer.connect()
        self.put(peer, session, 'f')
        self.assertEqual(peer.send(frame(RESET, 0, 0, session, 0, b'reset\ncode=bye\n')), [])
        self.assertEqual(self.names(), [])

    def test_unknown_session_at_most_every_500_ms(self):
        peer = Peer()
        for kind in (ACK, PING, PONG, CONTROL, DATA):
            peer.now += 1
            out = peer.send(frame(kind, 0, 0, 77, 0, b'\0' * 12))
            self.assertEqual([(f[0], f[3], untext(f[5])[1]['code']) for f in out],
                             [(RESET, 77, b'unknown-session')])
            peer.now += 0.4
            self.assertEqual(peer.ping(77), [])
        peer.now += 1
        self.assertEqual(peer.send(frame(RESET, 0, 0, 77, 0, b'reset\ncode=bye\n')), [])
        self.assertEqual(peer.send(frame(WELCOME, 0, 0, 77, 0, b'welcome\n')), [])

    def test_bye_when_the_receiver_stops(self):
        peer = Peer()
        session = peer.connect()
        self.put(peer, session, 'f')
        peer.endpoint.close()
        out = peer.output()
        self.assertEqual([(f[0], f[3], f[5]) for f in out if f[0] == RESET], [(RESET, session, b'reset\ncode=bye\n')])
        self.assertEqual(self.names(), [])

    def test_acknowledging_what_was_never_sent(self):
        peer = Peer()
        session = peer.connect()
        out = peer.send(frame(ACK, 0, 0, session, 0, struct.pack('>II', 5, 100)))
        self.assertEqual([(f[0], untext(f[5])[1]['code']) for f in out], [(RESET, b'protocol')])

    def test_short_payloads_do_no_harm(self):
        peer = Peer()
        session = peer.connect()
        for kind in (ACK, PING, PONG):
            for size in range(4 if kind == PING else 8):
                self.assertEqual(peer.send(frame(kind, 0, 0, session, 0, b'\0' * size)), [])
        self.assertEqual([f[0] for f in peer.ping(session)], [PONG])


class Frames(Folder):
    def test_unknown_types(self):
        peer = Peer()
        session = peer.connect()
        self.assertEqual(peer.send(frame(0x0f, 0, 0, session, 0, b'?')), [])
        out = peer.reliable(session, 0x1f, 3, b'?')
        self.assertEqual([f[0] for f in out], [ACK, CONTROL])
        stream, verb, fields = controls(out)[0]
        self.assertEqual((stream, verb, fields['code']), (3, 'error', b'unsupported'))

    def test_replies_are_sent_again_when_proven_lost(self):
        peer = Peer()
        session = peer.connect()
        first = controls(peer.control(session, 1, 'stat', path='/'))
        self.assertEqual(first[0][1], 'done')
        peer.now += 0.5
        self.assertEqual(peer.output(), [])
        peer.now += 0.1
        out = peer.output()
        self.assertEqual([f[0] for f in out], [PING])
        self.assertEqual(peer.output(), [])
        again = peer.send(frame(PONG, 0, 0, session, 0, out[0][5] + struct.pack('>II', 0, 65536)))
        self.assertEqual(controls(again), first)
        self.assertEqual(peer.send(frame(ACK, 0, 0, session, 0, struct.pack('>II', 1, 65536))), [])
        peer.now += 5
        self.assertEqual(peer.output(), [])

    def test_ping_is_answered_while_the_disk_hangs(self):
        worker = HeldWorker()
        peer = Peer(worker=worker)
        session = peer.connect()
        peer.control(session, 1, 'put', path=os.path.join(self.folder, 'f'))
        for number in range(3):
            peer.reliable(session, DATA, 1, struct.pack('>Q', 4000 * number) + b'x' * 4000, flags=0)
        out = peer.ping(session, 9)
        self.assertEqual(out[0][0], PONG)
        number, upto, window = struct.unpack('>III', out[0][5])
        self.assertEqual((number, upto), (9, 4), 'all arrived')
        self.assertLess(window, WINDOW - 12000)
        worker.run()
        out = peer.output()
        self.assertEqual([f[0] for f in out], [ACK, CONTROL])
        self.assertEqual(struct.unpack('>II', out[0][5]), (4, WINDOW))

    def test_a_hanging_disk_bounds_memory(self):
        worker = HeldWorker()
        peer = Peer(worker=worker)
        session = peer.connect()
        for number in range(200):
            peer.send(frame(DATA, 0, 1, session, number, b'x' * 4000))
        self.assertLess(sum(len(a[2]) for _, a in worker.jobs), 3 * WINDOW)

    def test_a_host_that_takes_no_replies_is_held_up(self):
        peer = Peer()
        session = peer.welcome(1, window=0)
        for number in range(5000):
            peer.send(frame(CONTROL, 0, 1, session, number, text('stat', path='/')))
        self.assertLess(len(peer.endpoint.active.sender.frames), receiver.REPLIES_MAX + 10)

    def test_a_line_that_takes_nothing_is_not_flooded(self):
        peer = Peer()
        session = peer.connect()
        for number in range(10000):
            for item in parse(peer.parser, frame(PING, 0, 0, session, 0, struct.pack('>I', number))):
                peer.endpoint.handle(item, peer.now)
            peer.endpoint.take_output(peer.now, waiting=70000)
        self.assertLess(len(peer.endpoint.out), 3)

    def test_a_defect_in_a_request_is_internal(self):
        peer = Peer()
        session = peer.connect()
        requests = peer.endpoint.active.requests
        stat, requests.verbs['stat'] = requests.verbs['stat'], lambda stream, fields: 1 / 0
        with unittest.mock.patch.object(receiver.log, 'muted', True):
            self.assertEqual(controls(peer.control(session, 1, 'stat', path='/'))[0][2]['code'], b'internal')
        requests.verbs['stat'] = stat
        self.assertEqual(controls(peer.control(session, 1, 'stat', path='/'))[0][1], 'done')

    def test_the_worked_session(self):
        """What section 8 shows, as far as it does not depend on chance."""
        peer = Peer('uart')
        session = peer.connect()
        path = os.path.join(self.folder, 'hello world.txt')
        peer.control(session, 1, 'put', path=path, size=3, mode='644', mtime='1700000000.25', conflict='fail')
        peer.reliable(session, DATA, 1, struct.pack('>Q', 0) + b'hi\n')
        out = peer.control(session, 1, 'commit', size=3, sha256=sha256(b'hi\n'))
        self.assertEqual(controls(out), [(1, 'done', {'path': path.encode(), 'size': b'3',
                                                      'sha256': sha256(b'hi\n').encode()})])
        with open(path, 'rb') as file:
            self.assertEqual(file.read(), b'hi\n')
        self.assertEqual(os.stat(path).st_mtime_ns, 1700000000250000000)


class SendingLess(Folder):
    """Section 6, as far as it takes frames."""

    def make(self, name, content):
        with open(os.path.join(self.folder, name), 'wb') as file:
            file.write(content)
        return os.path.join(self.folder, name)

    def test_copy_and_encoded_frames(self):
        peer = Peer()
        session, path = peer.connect(), self.make('f', b'0123456789')
        peer.control(session, 1, 'put', path=path, basis=1, encoding='deflate', conflict='overwrite')
        peer.reliable(session, COPY, 1, struct.pack('>QQI', 0, 5, 5))
        peer.reliable(session, DATA, 1, struct.pack('>Q', 5) + piece(b'abc'), flags=3)
        out = peer.control(session, 1, 'commit', size=8, sha256=sha256(b'56789abc'))
        self.assertEqual(controls(out)[0][1], 'done')
        self.assertEqual(controls(peer.reliable(session, COPY, 1, struct.pack('>QQI', 0, 0, 1))), [], 'no put any more')

    def test_a_cancel_is_seen_before_its_turn(self):
        for keep, left in (({}, 0), ({'keep': 1}, 1)):
            worker = HeldWorker()
            peer = Peer(worker=worker)
            session = peer.connect()
            peer.control(session, 1, 'put', path=os.path.join(self.folder, 'f'), encoding='deflate', resume=1)
            worker.run()
            peer.reliable(session, DATA, 1, struct.pack('>Q', 0) + piece(bytes(3 << 20)), flags=2)
            peer.control(session, 1, 'cancel', **keep)
            worker.run()
            answers = controls(peer.output())
            self.assertEqual([(a[1], a[2].get('code')) for a in answers], [('error', b'cancelled')])
            self.assertEqual(len(self.names()), left)
            if left:
                self.assertEqual(os.path.getsize(os.path.join(self.folder, self.names()[0])), receiver.STEP)

    def test_a_cancel_does_not_cut_off_plain_data(self):
        worker = HeldWorker()
        peer = Peer('console', worker=worker)
        session = peer.connect()
        peer.control(session, 1, 'put', path=os.path.join(self.folder, 'f'), resume=1)
        worker.run()
        for number in range(5):
            peer.reliable(session, DATA, 1, struct.pack('>Q', 15000 * number) + bytes(15000))
        peer.control(session, 1, 'cancel', keep=1)
        worker.run()
        self.assertEqual(os.path.getsize(os.path.join(self.folder, self.names()[0])), 75000)

    def test_frames_of_a_signature_suit_both(self):
        content = os.urandom(512 * 6000)
        for device, told, largest in (('console', {'frame': 1000}, 1000), ('console', {'frame': 65536}, 65536),
                                      ('channel', {'frame': None}, 16384), ('channel', {'frame': 65536}, 65536),
                                      ('uart', {'frame': 1 << 40}, 4096), ('uart', {'frame': 0}, 512)):
            peer = Peer(device)
            fields = {k: v for k, v in dict(protocol='1-1', window=1 << 20, **told).items() if v is not None}
            out = peer.send(frame(HELLO, 0, 0, 3, 0, text('hello', **fields)))
            session = int(untext(out[0][5])[1]['session'], 16)
            peer.ping(session)
            out = peer.control(session, 1, 'signature', path=self.make('f', content), block=512)
            pieces = [f[5] for f in out if f[0] == DATA]
            self.assertEqual({(len(p) - 8) % 12 for p in pieces}, {0})
            self.assertEqual(max(map(len, pieces)), 8 + (largest - 8) // 12 * 12)
            self.assertEqual(sum(len(p) - 8 for p in pieces), 12 * 6000)
            self.assertEqual([c[1] for c in controls(out)], ['accept', 'done'])

    def test_what_a_host_has_not_acknowledged_is_counted(self):
        peer = Peer()
        session = peer.welcome(1, window=0)
        peer.ping(session)
        peer.control(session, 1, 'signature', path=self.make('f', bytes(512 * 5000)), block=512)
        active = peer.endpoint.active
        self.assertGreater(active.queued(), 60000)
        while active.queued():
            upto = active.sender.sent
            peer.send(frame(ACK, 0, 0, session, 0, struct.pack('>II', upto, 65536)))
        self.assertEqual(len(active.sender.frames), 0)

    def test_every_end_of_a_session_keeps_a_partial_file(self):
        content = bytes(receiver.PARTIAL_MIN)

        def reset(peer, session):
            peer.send(frame(RESET, 0, 0, session, 0, b'reset\ncode=bye\n'))

        def silence(peer, session):
            peer.now += 31
            peer.output()
        for end in (reset, silence, lambda peer, session: peer.connect(9), lambda peer, session: peer.endpoint.close()):
            peer = Peer('console')
            session = peer.connect()
            peer.control(session, 1, 'put', path=os.path.join(self.folder, 'f'), resume=1)
            peer.control(session, 2, 'put', path=os.path.join(self.folder, 'g'))
            for at in range(0, len(content), 8192):
                peer.reliable(session, DATA, 1, struct.pack('>Q', at) + content[at:at + 8192])
            end(peer, session)
            self.assertEqual(self.names(), [partial_of(self.folder)])
            os.unlink(os.path.join(self.folder, self.names()[0]))


class WakeTest(unittest.TestCase):
    """Waker.wake, called by the worker's thread at the worst moment."""

    def test_a_wake_while_the_pipe_is_emptied_does_not_silence_later_ones(self):
        real_read, waker = os.read, receiver.Waker()

        def read_after_another_wake(fd, size):
            waker.wake()
            return real_read(fd, size)

        waker.wake()
        with unittest.mock.patch.object(receiver.os, 'read', read_after_another_wake):
            waker.clear()
        waker.wake()
        self.assertTrue(select.select([waker], [], [], 0)[0])


if __name__ == '__main__':
    unittest.main()
