"""Section 6: compression, delta, resumption and the quick check."""

import ctypes
import errno
import hashlib
import os
import stat
import struct
import sys
import time
import unittest
import unittest.mock
import zlib

from support import Bench, HeldWorker, make_own, partial_of, receiver, sha256, vectors
from test_requests import ROOT_USER, Case
from zstandard import Zstandard

STEP = receiver.STEP
MIN = receiver.PARTIAL_MIN


def joined(runs):
    return b''.join(bytes.fromhex(run['hex']) * run['times'] for run in runs)


class Deflater:
    """One DEFLATE stream."""

    def __init__(self):
        self.stream = zlib.compressobj(6, zlib.DEFLATED, -15)

    def piece(self, content):
        return self.stream.compress(content) + self.stream.flush(zlib.Z_SYNC_FLUSH)


class FakeCompression:
    """Python 3.14's package `compression`, as its documentation has it, on top
    of the library: this machine's Python may be older."""

    class zstd:
        class ZstdError(Exception):
            pass

        class DecompressionParameter:
            window_log_max = 100

        class ZstdDecompressor:
            def __init__(self, options):
                assert options == {100: 23}
                self.eof, self.needs_input, self.unused_data = False, True, b''
                self.decoder, self.kept = receiver.LibraryZstd(None), b''

            def decompress(self, data, max_length):
                if self.eof:
                    raise EOFError('already at the end')
                try:
                    out, rest = self.decoder.step(self.kept + data)
                except receiver.BadData as error:
                    raise FakeCompression.zstd.ZstdError(str(error))
                self.needs_input, self.kept = rest is None, rest or b''
                if rest and len(out) < max_length:      # only the end of a frame leaves bytes, and room
                    self.eof, self.unused_data = True, rest
                return bytes(out)


class Vectors(Case):
    def setUp(self):
        super().setUp()
        self.vectors = vectors('transfers.json')
        self.name = self.vectors['partialOf']

    def existing(self, name, runs):
        if runs is None:
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        else:
            self.make(name, joined(runs))

    @property
    def partial(self):
        return partial_of(self.folder, self.name.encode())

    def there(self, name):
        return self.read(name) if os.path.exists(self.path(name)) else None

    def run_case(self, case, stream):
        self.existing(self.name, case['existing'])
        self.existing(self.partial, None)
        if case['partial'] is not None:
            self.existing(self.vectors['partialName'], case['partial'])
            make_own(self.folder, self.vectors['partialName'])
        if case['existingMtime']:
            mtime = receiver.mtime_of({'mtime': case['existingMtime'].encode()})
            os.utime(self.path(self.name), ns=(mtime, mtime))
        before = len(self.bench.answers)
        self.bench.send(stream, 'put', path=self.path(self.name), **case['put'])
        for one in case['frames']:
            payload = memoryview(bytes.fromhex(one['payload']))
            self.assertLessEqual(len(payload), 16384)
            if one['type'] == receiver.COPY:
                self.bench.requests.copy(stream, payload)
            else:
                self.assertEqual(one['type'], receiver.DATA)
                self.bench.requests.data(stream, payload, bool(one['flags'] & receiver.FLAG_ENCODED))
        end = dict(case['end'])
        self.bench.send(stream, end.pop('verb'), **end)
        return [a[1:] for a in self.bench.answers[before:]]

    def check(self, case, answers):
        verb, fields = answers[-1]
        self.assertEqual(verb, 'error' if case['code'] else 'done', fields)
        self.assertEqual(fields.get('code', b'').decode(), case['code'] or '', fields)
        self.assertEqual(fields.get('skipped', b'').decode(), case['skipped'] or '')
        if len(answers) > 1:
            self.assertEqual(len(answers), 2)
            accept = {k: v.decode() for k, v in answers[0][1].items() if k not in ('path', 'kind')}
            self.assertEqual((answers[0][0], accept), ('accept', case['accept']))
        self.assertEqual(self.there(self.name), None if case['content'] is None else joined(case['content']))
        self.assertEqual(self.there(self.partial), None if case['left'] is None else joined(case['left']))
        self.assertLessEqual(set(os.listdir(self.folder)), {self.name, self.partial})
        self.assertEqual((self.bench.requests.open, self.bench.requests.draining), ({}, set()))

    def test_puts(self):
        self.assertGreater(self.run_groups('encodings', 'deltas', 'resumptions', 'quickChecks'), 60)

    def test_zstd(self):
        """Debian cannot do without libzstd.so.1, so neither can this test."""
        self.assertIsNotNone(receiver.Decoders().zstd)
        self.assertGreater(self.run_groups('zstdEncodings'), 25)

    def run_groups(self, *groups):
        stream = 0
        for group in groups:
            for case in self.vectors[group]:
                with self.subTest(case['name'], group=group):
                    stream += 1
                    self.check(case, self.run_case(case, stream))
        return stream

    def test_signatures(self):
        for one in self.vectors['signatures']:
            with self.subTest(one['name']):
                path = self.make('f', joined(one['content']), 1700000000.25)
                self.bench.stream += 1
                block = {'block': one['block']} if one['block'] else {}
                answers = [a[1:] for a in self.bench.send(self.bench.stream, 'signature', path=path, **block)]
                if one['code']:
                    self.assertEqual([(v, f['code'].decode()) for v, f in answers], [('error', one['code'])])
                    continue
                size = str(one['size']).encode()
                self.assertEqual(answers, [
                    ('accept', {'path': path.encode(), 'size': size, 'block': one['block'].encode()}),
                    ('done', {'path': path.encode(), 'size': size, 'mtime': b'1700000000.25',
                              'sha256': one['sha256'].encode()})])
                self.assertEqual(self.bench.received.get(self.bench.stream, b'').hex(), one['entries'])


class Deflate(Case):
    encoding, compressor = 'deflate', Deflater

    def begin(self, path=None, **fields):
        self.bench.send(9, 'put', path=path or self.path('f'), encoding=self.encoding, **fields)

    def test_a_large_file_in_pieces_and_frames(self):
        content = b''.join(struct.pack('>Q', n * n) for n in range(150000))
        stream, at = self.compressor(), 0
        self.begin(size=len(content))
        while at < len(content):
            part = content[at:at + 70000]
            if at // 70000 % 3 == 2:
                self.assertEqual(self.bench.data(9, part, at), [])
            else:
                piece = stream.piece(part)
                for cut in range(0, len(piece), 4000):
                    self.assertEqual(self.bench.data(9, piece[cut:cut + 4000], at, encoded=True), [])
            at += len(part)
        self.assertEqual(self.bench.send(9, 'commit', size=len(content), sha256=sha256(content))[0][1], 'done')
        self.assertEqual(self.read('f'), content)

    def test_to_a_device(self):
        self.begin('/dev/null')
        self.assertEqual(self.bench.data(9, self.compressor().piece(b'x' * 500000), 0, encoded=True), [])
        self.assertEqual(self.bench.send(9, 'commit', size=500000, sha256=sha256(b'x' * 500000))[0][1], 'done')

    def test_the_last_block(self):
        self.begin()
        stream = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.assertEqual(self.bench.data(9, stream.compress(b'x') + stream.flush(), encoded=True)[0][2]['code'],
                         b'bad-data')
        self.assertEqual(os.listdir(self.folder), [])

    def bomb(self, size=64 << 20):
        stream = self.compressor()
        return b''.join(stream.piece(bytes(1 << 20)) for _ in range(size >> 20))

    def test_a_bomb_is_made_in_steps(self):
        sizes, write = [], os.write
        self.begin('/dev/null')
        with unittest.mock.patch.object(receiver.os, 'write', lambda fd, d: sizes.append(len(d)) or write(fd, d)):
            self.assertEqual(self.bench.data(9, self.bomb(), encoded=True), [])
        self.assertEqual((sum(sizes), max(sizes)), (64 << 20, STEP))

    def test_a_bomb_stops_when_it_is_cancelled(self):
        """The port thread sees the cancel long before the worker."""
        for keep, left in ((b'', 0), (b'keep=1\n', 1)):
            requests, write, writes = self.bench.requests, os.write, []

            def write_and_cancel(fd, data):
                writes.append(len(data))
                requests.stop_put(9, b'cancel\n' + keep)
                return write(fd, data)
            self.begin(resume=1)
            with unittest.mock.patch.object(receiver.os, 'write', write_and_cancel):
                answers = self.bench.data(9, self.bomb(), encoded=True)
            self.assertEqual([a[2]['code'] for a in answers], [b'cancelled'])
            self.assertEqual(len(writes), 1)
            requests.control(9, b'cancel\n' + keep)
            self.assertEqual(len(self.bench.answers), 2, 'one answer')
            self.assertEqual(requests.draining, set())
            self.assertEqual(len(os.listdir(self.folder)), left)
            del self.bench.answers[:]


class Zstd(Deflate):
    encoding, compressor = 'zstd', Zstandard

    def test_the_last_block(self):
        """Ends a frame of zstd, not the stream."""
        self.begin()
        self.assertEqual(self.bench.data(9, self.compressor().piece(b'x', ends=True), encoded=True), [])
        self.assertEqual(self.bench.data(9, self.compressor().piece(b'y'), 1, encoded=True), [])
        self.assertEqual(self.bench.send(9, 'commit', size=2, sha256=sha256(b'xy'))[0][1], 'done')

    def test_a_bomb_is_not_made_past_the_size_announced(self):
        decoder = receiver.Decoders().zstd
        made, step = [], decoder.step

        def count(self, content):
            out, rest = step(self, content)
            made.append(len(out))
            return out, rest
        self.begin(size=1000)
        with unittest.mock.patch.object(decoder, 'step', count):
            answers = self.bench.data(9, self.bomb(), encoded=True)
        self.assertEqual([a[2]['code'] for a in answers], [b'size-mismatch'])
        self.assertEqual(made, [1001])
        self.assertEqual(os.listdir(self.folder), [])

    def test_damage_is_found(self):
        """Whatever the bytes decode to then, it is not taken for the file."""
        content = b''.join(b'line %d\n' % (n * n) for n in range(3000))
        piece = self.compressor().piece(content)
        for at in range(0, len(piece), 97):
            self.begin(size=len(content))
            damaged = piece[:at] + bytes([piece[at] ^ 0x10]) + piece[at + 1:]
            answers = self.bench.data(9, damaged, encoded=True)
            answers += self.bench.send(9, 'commit', size=len(content), sha256=sha256(content))
            self.assertEqual([a[1] for a in answers], ['error'], at)
            self.assertIn(answers[0][2]['code'], (b'bad-data', b'size-mismatch', b'hash-mismatch'))
            self.assertEqual(os.listdir(self.folder), [])

    def test_decoders_are_freed(self):
        """When the put ends, and only where one was needed."""
        self.assertIs(self.bench.config.decoders.zstd, receiver.LibraryZstd)
        library, freed = receiver.LibraryZstd._library, []
        with unittest.mock.patch.object(library, 'freeDCtx', freed.append):
            self.begin()
            self.bench.data(9, self.compressor().piece(b'x'), encoded=True)
            self.bench.send(9, 'commit', size=1, sha256=sha256(b'x'))
            self.assertEqual(len(freed), 1)
            self.begin(conflict='overwrite')
            self.bench.data(9, b'plain')
            self.bench.send(9, 'cancel')
            self.assertEqual(len(freed), 1)
            for _ in range(2):
                self.begin(conflict='overwrite')
                self.bench.data(9, self.compressor().piece(b'x'), encoded=True)
            self.bench.requests.close()
            self.assertEqual(len(freed), 2)


class WhatDecodesZstd(unittest.TestCase):
    """A guest may have Python's own zstd, a library, an odd one, or nothing."""

    def tearDown(self):
        receiver.LibraryZstd._library = None

    def found(self, module=None, library=None):
        receiver.LibraryZstd._library = None
        modules = {'compression': module, 'compression.zstd': module and module.zstd}
        cdll = unittest.mock.Mock(side_effect=library) if library else ctypes.CDLL
        with unittest.mock.patch.dict(sys.modules, modules), unittest.mock.patch.object(ctypes, 'CDLL', cdll):
            decoders = receiver.Decoders()
            return decoders.zstd, decoders.capabilities()[len(receiver.CAPABILITIES):]

    def test_the_library(self):
        self.assertEqual(self.found(), (receiver.LibraryZstd, ',zstd'))

    def test_none(self):
        """Of musl without the package, or a Python without ctypes."""
        self.assertEqual(self.found(library=OSError('no such file')), (None, ''))
        with unittest.mock.patch.dict(sys.modules, {'ctypes': None}):
            receiver.LibraryZstd._library = None
            self.assertIsNone(receiver.Decoders().zstd)

    def test_an_odd_library(self):
        """One of another name's, or too old, or one that does not do what it should."""
        libc = ctypes.CDLL(None)
        self.assertEqual(self.found(library=lambda name: libc), (None, ''))
        odd = unittest.mock.MagicMock()
        odd.ZSTD_isError.return_value = 0
        self.assertEqual(self.found(library=lambda name: odd), (None, ''))

    def test_a_put_without_it(self):
        with unittest.mock.patch.object(receiver.Decoders, 'zstd', None):
            with self.assertRaises(receiver.Refused) as raised:
                receiver.Decoders().of({'encoding': b'zstd'})
            self.assertEqual(raised.exception.code, 'unsupported')
            self.assertIs(receiver.Decoders().of({'encoding': b'deflate'}), receiver.Inflate)

    def test_python_s_own(self):
        decoder, capability = self.found(FakeCompression())
        self.assertEqual((decoder, capability), (receiver.PythonZstd, ',zstd'))
        with unittest.mock.patch.dict(sys.modules, {'compression': FakeCompression(),
                                                    'compression.zstd': FakeCompression.zstd}):
            stream = decoder(None)
        content = bytes(3 * STEP) + b'end'
        given, made = Zstandard().piece(content, ends=True) + Zstandard().piece(b'another frame'), []
        while given is not None:
            out, given = stream.step(given)
            self.assertLessEqual(len(out), STEP)
            made.append(out)
        self.assertEqual(b''.join(made), content + b'another frame')
        with self.assertRaises(receiver.BadData):
            stream.step(b'no zstd at all, is it')


class Delta(Case):
    def begin(self, content=b'', stream=9, **fields):
        self.make('f', content)
        answer = self.bench.send(stream, 'put', path=self.path('f'), basis=1, conflict='overwrite', **fields)[0]
        self.assertEqual((answer[1], answer[2]['basis']), ('accept', b'%d' % len(content)))

    def test_more_than_a_step(self):
        content = os.urandom(3 * STEP + 7)
        self.begin(content)
        self.assertEqual(self.bench.copy(9, 0, (5, len(content) - 5), (0, 5)), [])
        wanted = content[5:] + content[:5]
        self.assertEqual(self.bench.send(9, 'commit', size=len(wanted), sha256=sha256(wanted))[0][1], 'done')
        self.assertEqual(self.read('f'), wanted)

    def test_basis_becomes_shorter(self):
        self.begin(b'x' * 1000)
        os.truncate(self.path('f'), 999)
        self.assertEqual(self.bench.copy(9, 0, (0, 1000))[0][2]['code'], b'basis-changed')
        self.assertEqual(os.listdir(self.folder), ['f'])

    def test_basis_is_replaced(self):
        """What was opened is copied from, whatever has the name now."""
        self.begin(b'old')
        os.unlink(self.path('f'))
        self.make('f', b'another')
        self.assertEqual(self.bench.copy(9, 0, (0, 3)), [])
        self.assertEqual(self.bench.send(9, 'commit', size=3, sha256=sha256(b'old'))[0][1], 'done')
        self.assertEqual(self.read('f'), b'old')

    def test_rename_copies_from_the_one_that_has_the_name(self):
        self.make('f', b'old')
        answer = self.bench.send(9, 'put', path=self.path('f'), basis=1, conflict='rename')[0]
        self.assertEqual((answer[2]['path'], answer[2]['basis']), (self.path('f (2)').encode(), b'3'))
        self.bench.copy(9, 0, (0, 3))
        self.assertEqual(self.bench.send(9, 'commit', size=3, sha256=sha256(b'old'))[0][1], 'done')
        self.assertEqual(self.read('f (2)'), b'old')

    def test_no_basis_from_links_and_devices(self):
        self.make('g', b'secret')
        os.symlink('g', self.path('l'))
        answer = self.bench.send(9, 'put', path=self.path('l'), basis=1, conflict='rename')[0]
        self.assertEqual((answer[1], answer[2].get('basis')), ('accept', None))
        self.assertEqual(self.bench.copy(9, 0, (0, 1))[0][2]['code'], b'bad-request')
        self.assertNotIn('basis', self.bench.send(10, 'put', path='/dev/null', basis=1)[0][2])

    def test_basis_that_cannot_be_read(self):
        self.make('f', b'old')
        with unittest.mock.patch.object(receiver, 'open_to_read', side_effect=receiver.Refused('permission', 'x')):
            answer = self.bench.send(9, 'put', path=self.path('f'), basis=1, conflict='overwrite')[0]
        self.assertEqual((answer[1], answer[2].get('basis')), ('accept', None))

    def test_a_long_copy_stops_when_it_is_cancelled(self):
        self.begin(bytes(4 * STEP))
        put = self.bench.requests.open[9]
        put.stop(False)
        self.assertEqual(self.bench.copy(9, 0, (0, 4 * STEP))[0][2]['code'], b'cancelled')
        self.assertEqual(put.incoming.received, STEP)
        self.assertEqual(os.listdir(self.folder), ['f'])

    def test_a_dropped_session_closes_the_basis(self):
        before = len(os.listdir('/proc/self/fd'))
        self.begin(b'x')
        self.bench.requests.close()
        self.assertEqual(len(os.listdir('/proc/self/fd')), before)


class Signatures(Case):
    def test_refusals(self):
        os.mkdir(self.path('d'))
        os.symlink('d', self.path('l'))
        os.mkfifo(self.path('fifo'))
        for name, code in (('none', 'not-found'), ('no/none', 'no-directory'), ('d', 'is-directory'),
                           ('d/', 'is-directory'), ('l', 'is-symlink'), ('fifo', 'is-special'),
                           ('/dev/null', 'is-special'), ('', 'bad-request')):
            path = self.path(name) if name else ''
            self.assertEqual(self.bench.code('signature', path=path, block=512), code, name)
        with open(self.path('sparse'), 'wb') as file:
            file.truncate(receiver.BLOCKS_MAX * 512 + 1)
        self.assertEqual(self.bench.code('signature', path=self.path('sparse'), block=512), 'bad-request')
        self.assertEqual(self.bench.requests.open, {})

    def test_outside_the_root_and_read_only(self):
        os.mkdir(self.path('root'))
        self.make('secret')
        self.make('root/f', b'abc')
        os.symlink('../secret', self.path('root/l'))
        bench = Bench(self.path('root'), read_only=True)
        self.addCleanup(bench.close)
        self.assertEqual([a[1] for a in bench.send(1, 'signature', path='f', block=512)], ['accept', 'done'])
        self.assertEqual(bench.received[1], struct.pack('>I', zlib.adler32(b'abc')) + hashlib.sha256(b'abc').digest()[:8])
        self.assertEqual(bench.code('signature', path='../secret', block=512), 'outside-root')
        self.assertEqual(bench.code('signature', path='l', block=512), 'is-symlink')

    def held(self, content):
        worker = HeldWorker()
        bench = Bench(worker=worker)
        self.addCleanup(bench.close)
        self.make('f', content)
        self.assertEqual(bench.send(1, 'signature', path=self.path('f'), block=512)[0][1], 'accept')
        return bench, worker

    def test_cancel(self):
        bench, worker = self.held(b'x' * 5000)
        self.assertEqual(bench.send(1, 'cancel'), [])
        worker.run()
        self.assertEqual([(a[1], a[2].get('code')) for a in bench.answers[1:]], [('error', b'cancelled')])
        self.assertEqual(bench.requests.open, {})
        self.assertEqual(bench.send(1, 'cancel'), [], 'dropped in silence')

    def test_data_and_commit_on_its_stream(self):
        bench, worker = self.held(b'x')
        self.assertEqual(bench.data(1, b'x'), [])
        self.assertEqual(bench.copy(1, 0, (0, 1)), [])
        self.assertEqual(bench.send(1, 'commit', size=0, sha256=sha256(b''))[0][2]['code'], b'bad-request')
        worker.run()
        self.assertEqual([a[1] for a in bench.answers], ['accept', 'error'], 'one answer')

    def test_file_that_changes_while_it_is_read(self):
        bench, worker = self.held(b'x' * 1000)
        os.truncate(self.path('f'), 999)
        worker.run()
        self.assertEqual(bench.answers[-1][2]['code'], b'basis-changed')
        bench, worker = self.held(b'x' * 1000)
        with open(self.path('f'), 'ab') as file:
            file.write(b'more')
        worker.run()
        self.assertEqual((bench.answers[-1][2]['size'], bench.answers[-1][2]['sha256']),
                         (b'1000', sha256(b'x' * 1000).encode()))

    def test_it_waits_for_a_host_that_takes_nothing(self):
        bench, worker = self.held(b'x' * 5000)
        queued = [receiver.SIGNATURE_QUEUE_MAX + 1] * 3 + [0] * 10
        bench.queued = lambda: queued.pop(0)
        with unittest.mock.patch.object(receiver.time, 'sleep') as sleep:
            worker.run()
        self.assertEqual(sleep.call_count, 3)
        self.assertEqual(bench.answers[-1][1], 'done')

    def test_the_end_of_the_session_ends_it(self):
        bench, worker = self.held(b'x' * 5000)
        bench.queued = lambda: receiver.SIGNATURE_QUEUE_MAX + 1
        before = len(os.listdir('/proc/self/fd'))
        with unittest.mock.patch.object(receiver.time, 'sleep', lambda _: bench.requests.close()):
            worker.run()
        self.assertEqual(len(bench.answers), 1)
        self.assertEqual(len(os.listdir('/proc/self/fd')), before - 1, 'closed')


class PartialCase(Case):
    def setUp(self):
        super().setUp()
        self.content = os.urandom(3 * MIN)

    @property
    def partial(self):
        return partial_of(self.folder)

    def make_partial(self, make):
        """Whatever it makes under the name has its own number in it."""
        name = receiver.partial_name(b'f').decode()
        make(self.path(name))
        make_own(self.folder, name)

    def begin(self, bench=None, **fields):
        fields.setdefault('size', len(self.content))
        return (bench or self.bench).send(9, 'put', path=self.path('f'), resume=1, **fields)

    def leave(self, size=2 * MIN):
        """What a put of the first bytes leaves behind."""
        bench = Bench()
        self.addCleanup(bench.close)
        self.begin(bench)
        bench.data(9, self.content[:size])
        bench.requests.close()


class Resume(PartialCase):
    def test_a_dropped_session_keeps_it(self):
        for size, left in ((MIN - 1, 0), (MIN, 1)):
            self.leave(size)
            self.assertEqual(os.listdir(self.folder), [self.partial] * left)
        self.assertEqual(self.read(self.partial), self.content[:MIN])
        self.assertEqual(stat.S_IMODE(os.stat(self.path(self.partial)).st_mode), 0o600)

    def test_only_with_resume(self):
        self.bench.send(9, 'put', path=self.path('f'))
        self.bench.data(9, self.content)
        self.bench.send(9, 'cancel', keep=1)
        self.assertEqual(os.listdir(self.folder), [])

    def test_it_is_gone_on_with(self):
        self.leave()
        answer = self.begin()[0]
        self.assertEqual((answer[2]['partial'], answer[2]['partial-sha256']),
                         (b'%d' % (2 * MIN), sha256(self.content[:2 * MIN]).encode()))
        self.assertEqual(self.bench.data(9, self.content[2 * MIN:], 2 * MIN), [])
        verb, fields = self.bench.send(9, 'commit', size=len(self.content), sha256=sha256(self.content))[0][1:]
        self.assertEqual((verb, fields.get('sha256')), ('done', sha256(self.content).encode()))
        self.assertEqual((os.listdir(self.folder), self.read('f')), (['f'], self.content))
        self.assertEqual(stat.S_IMODE(os.stat(self.path('f')).st_mode), 0o666 & ~receiver.read_umask())

    def test_kept_again_and_again(self):
        for size in (MIN, 2 * MIN):
            answer = self.begin()[0]
            self.assertEqual(answer[2].get('partial', b'0'), b'%d' % (size - MIN))
            self.bench.data(9, self.content[size - MIN:size], size - MIN)
            self.assertEqual(self.bench.send(9, 'cancel', keep=1)[0][2]['code'], b'cancelled')
            self.assertEqual(self.read(self.partial), self.content[:size])

    def test_two_puts_of_one_name(self):
        """The second has an ordinary temporary file, of which nothing stays."""
        self.leave()
        self.begin()
        other = Bench()
        self.addCleanup(other.close)
        self.assertNotIn('partial', self.begin(other, conflict='rename')[0][2])
        other.data(9, self.content)
        other.send(9, 'cancel', keep=1)
        self.assertEqual(os.listdir(self.folder), [self.partial])
        self.assertEqual(self.bench.data(9, self.content[2 * MIN:], 2 * MIN), [])
        self.assertEqual(self.bench.send(9, 'commit', size=len(self.content), sha256=sha256(self.content))[0][1],
                         'done')

    def refuse_to_adopt(self):
        """The put works all the same, and what has the name is not touched."""
        before = os.lstat(self.path(self.partial))
        self.assertNotIn('partial', self.begin(conflict='overwrite')[0][2])
        self.bench.data(9, self.content)
        self.assertEqual(self.bench.send(9, 'commit', size=len(self.content), sha256=sha256(self.content))[0][1],
                         'done')
        after = os.lstat(self.path(self.partial))
        self.assertEqual((before.st_ino, before.st_mode, before.st_size, before.st_mtime_ns),
                         (after.st_ino, after.st_mode, after.st_size, after.st_mtime_ns))

    def test_links_and_others_are_not_adopted(self):
        self.make('secret', b's' * 100)
        for make in (lambda path: os.symlink('secret', path), lambda path: os.link(self.path('secret'), path),
                     os.mkfifo, os.mkdir):
            self.make_partial(make)
            self.refuse_to_adopt()
            if os.path.isdir(self.path(self.partial)):
                os.rmdir(self.path(self.partial))
            else:
                os.unlink(self.path(self.partial))
        self.assertEqual(self.read('secret'), b's' * 100)

    @unittest.skipUnless(ROOT_USER, 'needs root')
    def test_a_file_of_somebody_else_is_not_adopted(self):
        self.make_partial(lambda path: self.make(path, b'x' * MIN))
        os.chown(self.path(self.partial), 65534, 65534)
        self.refuse_to_adopt()

    def test_a_file_of_a_user_is_not_adopted(self):
        self.make(receiver.partial_name(b'f').decode(), b'x' * MIN)
        self.make(self.partial, b'x' * MIN)
        self.refuse_to_adopt()
        self.assertEqual(len(os.listdir(self.folder)), 3)

    def test_a_file_system_without_locks(self):
        self.make_partial(lambda path: self.make(path, b'x' * MIN))
        with unittest.mock.patch.object(receiver.fcntl, 'flock', side_effect=OSError(errno.ENOLCK, 'x')):
            self.refuse_to_adopt()
            os.unlink(self.path(self.partial))
            self.begin(conflict='overwrite')
            self.bench.data(9, self.content)
            self.bench.send(9, 'cancel', keep=1)
        self.assertEqual(os.listdir(self.folder), ['f'])

    def test_errors_leave_nothing(self):
        for spoil in (lambda: self.bench.data(9, b'x', 1),
                      lambda: self.bench.data(9, b'x' * (MIN + 1), 2 * MIN),
                      lambda: self.bench.send(9, 'commit', size=2 * MIN, sha256=sha256(b'')),
                      lambda: self.bench.send(9, 'commit', size=1, sha256=sha256(b'')),
                      lambda: self.bench.requests.unknown(9),
                      lambda: self.bench.send(9, 'stat', path='/')):
            self.leave()
            self.assertEqual(os.listdir(self.folder), [self.partial])
            self.begin()
            spoil()
            self.assertEqual(self.bench.answers[-1][1], 'error')
            self.assertEqual(os.listdir(self.folder), [])
            self.bench.send(9, 'cancel')

    def test_a_write_error_leaves_nothing(self):
        self.begin()
        self.bench.data(9, self.content[:MIN])
        put = self.bench.requests.open[9]
        with unittest.mock.patch.object(receiver.os, 'write', side_effect=OSError(errno.ENOSPC, 'x')):
            self.assertEqual(self.bench.data(9, self.content[MIN:], MIN)[0][2]['code'], b'no-space')
        put.stop(True)
        self.assertEqual((os.listdir(self.folder), put.stays()), ([], False))

    def test_a_commit_that_is_cut_off_keeps_it(self):
        worker = HeldWorker()
        bench = Bench(worker=worker)
        self.begin(bench, mode='777', mtime='1000000000')
        bench.data(9, self.content)
        bench.send(9, 'commit', size=len(self.content), sha256=sha256(self.content))
        bench.requests.close()
        worker.run()
        self.assertEqual(os.listdir(self.folder), [self.partial])
        found = os.stat(self.path(self.partial))
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o600)
        self.assertGreater(found.st_mtime, time.time() - 100, 'or the next sweep would take it')
        self.assertEqual(self.begin()[0][2]['partial'], b'%d' % len(self.content))
        self.assertEqual(self.bench.send(9, 'commit', size=len(self.content), sha256=sha256(self.content))[0][1],
                         'done')

    def test_the_end_of_the_receiver(self):
        """A worker hangs: whatever is there is looked through at the end."""
        leftovers = self.bench.config.leftovers
        for size in (MIN - 1, MIN):
            self.begin()
            self.bench.data(9, self.content[:size])
            leftovers.remove_all()
            self.assertEqual(os.listdir(self.folder), [self.partial] if size == MIN else [])
            self.forget(9)
        self.bench.send(10, 'put', path=self.path('g'))
        self.bench.data(10, self.content)
        leftovers.remove_all()
        self.forget(10)
        self.assertEqual(os.listdir(self.folder), [self.partial])

    def forget(self, stream):
        """Closes a put whose file was seen to already."""
        put = self.bench.requests.open.pop(stream)
        put.temporary = None
        put.close()

    def test_the_week_is_over(self):
        self.leave()
        os.utime(self.path(self.partial), (time.time() - receiver.PARTIAL_S - 60,) * 2)
        self.make('.guestwire-01234567.partial', mtime=time.time() - receiver.PARTIAL_S + 60)
        self.make('.guestwire-89abcdef.partial', mtime=1)
        os.symlink('f', self.path('.guestwire-76543210.partial'))
        young, _, link = [make_own(self.folder, '.guestwire-%s.partial' % digits)
                          for digits in ('01234567', '89abcdef', '76543210')]
        self.make('.guestwire-89abcdef.partial', mtime=1)   # not ours
        self.bench.put(self.path('g'), b'x')
        self.assertEqual(sorted(os.listdir(self.folder)), sorted([young, link, '.guestwire-89abcdef.partial', 'g']))

    def test_one_in_use_is_not_too_old(self):
        self.leave()
        self.begin()
        os.utime(self.path(self.partial), (1, 1))
        other = Bench()
        self.addCleanup(other.close)
        other.put(self.path('g'), b'x')
        self.assertEqual(sorted(os.listdir(self.folder)), sorted([self.partial, 'g']))

    def test_within_the_root(self):
        os.mkdir(self.path('root'))
        bench = Bench(self.path('root'))
        self.addCleanup(bench.close)
        for path, code in (('../f', b'outside-root'), ('/etc/f', b'outside-root')):
            self.assertEqual(bench.send(1, 'put', path=path, resume=1)[0][2]['code'], code)
            bench.send(1, 'cancel')
        bench.send(1, 'put', path='f', resume=1)
        bench.data(1, self.content)
        bench.send(1, 'cancel', keep=1)
        self.assertEqual(os.listdir(self.path('root')), [partial_of(self.path('root'))])
        self.assertEqual(os.listdir(self.folder), ['root'])

    def test_devices_have_none(self):
        answer = self.bench.send(9, 'put', path='/dev/null', resume=1)[0]
        self.assertEqual(answer[2], {'path': b'/dev/null', 'kind': b'device'})
        self.bench.data(9, self.content)
        self.bench.send(9, 'cancel', keep=1)
        self.assertFalse(os.path.exists('/dev/' + partial_of('/dev', b'null')))


class Hashing(PartialCase):
    """While a finisher hashes the partial file."""

    def held(self):
        self.leave()
        self.worker = HeldWorker()
        self.other = Bench(worker=self.worker)
        self.assertEqual(self.begin(self.other), [], 'accept comes after')

    def codes(self):
        return [(a[1], a[2].get('code')) for a in self.other.answers]

    def test_cancel(self):
        for keep in (0, 1):
            self.held()
            self.assertEqual(self.other.send(9, 'cancel', keep=keep), [])
            self.worker.run()
            self.assertEqual(self.codes(), [('error', b'cancelled')])
            self.assertEqual(os.listdir(self.folder), [self.partial] * keep)
            self.assertEqual((self.other.requests.open, self.other.requests.draining), ({}, set()))

    def test_cancel_that_the_port_thread_told_first(self):
        self.held()
        self.other.requests.stop_put(9, b'cancel\n')
        self.worker.run()
        self.assertEqual(self.codes(), [('error', b'cancelled')])
        self.assertEqual(self.other.send(9, 'cancel'), [])
        self.assertEqual(self.other.requests.draining, set())

    def test_data_too_early(self):
        self.held()
        self.other.data(9, b'x', 2 * MIN)
        self.assertEqual(self.codes(), [('error', b'bad-request')])
        self.other.data(9, b'x', 2 * MIN + 1)
        self.worker.run()
        self.other.send(9, 'commit', size=0, sha256=sha256(b''))
        self.assertEqual(self.codes(), [('error', b'bad-request')])
        self.assertEqual((os.listdir(self.folder), self.other.requests.draining), ([], set()))

    def test_commit_too_early(self):
        self.held()
        self.other.send(9, 'commit', size=0, sha256=sha256(b''))
        self.worker.run()
        self.assertEqual(self.codes(), [('error', b'bad-request')])
        self.assertEqual((os.listdir(self.folder), self.other.requests.draining), ([], set()))

    def test_a_dropped_session(self):
        self.held()
        before, put = len(os.listdir('/proc/self/fd')), self.other.requests.open[9]
        self.other.requests.close()
        self.assertGreaterEqual(put.fd, 0, 'the finisher reads it')
        self.worker.run()
        self.assertEqual((os.listdir(self.folder), self.codes()), ([self.partial], []))
        self.assertLess(len(os.listdir('/proc/self/fd')), before)

    def test_it_became_shorter(self):
        self.held()
        os.truncate(self.path(self.partial), 100)
        self.worker.run()
        self.assertEqual(self.other.answers[0][2]['partial'], b'100')
        self.assertEqual(self.other.data(9, self.content[100:], 100), [])
        self.other.send(9, 'commit', size=len(self.content), sha256=sha256(self.content))
        self.worker.run()
        self.assertEqual(self.codes()[-1][0], 'done')


class FullDisk(Case):
    def test_partial_file_on_a_full_disk(self):
        where = self.mount('size=1m')
        content = os.urandom(800000)
        self.bench.send(9, 'put', path=where + '/f', resume=1, size=800000)
        self.bench.data(9, content[:600000])
        self.bench.send(9, 'cancel', keep=1)
        answer = self.bench.send(9, 'put', path=where + '/f', resume=1, size=800000)[0]
        self.assertEqual(answer[2]['partial'], b'600000', 'what is there needs no room')
        self.bench.data(9, content[600000:], 600000)
        self.assertEqual(self.bench.send(9, 'commit', size=800000, sha256=sha256(content))[0][1], 'done')
        os.unlink(where + '/f')
        self.bench.send(9, 'put', path=where + '/f', resume=1)
        answers = [a for at in range(0, 2000000, 50000) for a in self.bench.data(9, b'x' * 50000, at)]
        self.assertEqual([a[2]['code'] for a in answers], [b'no-space'])
        self.bench.send(9, 'cancel', keep=1)
        self.assertEqual(os.listdir(where), [])

    def test_a_partial_file_too_many(self):
        """One is there, but the rest has no room: it goes too."""
        where = self.mount('size=1m')
        self.bench.send(9, 'put', path=where + '/f', resume=1, size=800000)
        self.bench.data(9, b'x' * 600000)
        self.bench.send(9, 'cancel', keep=1)
        self.assertEqual(self.bench.send(9, 'put', path=where + '/f', resume=1, size=3000000)[0][2]['code'],
                         b'no-space')
        self.assertEqual(os.listdir(where), [])


if __name__ == '__main__':
    unittest.main()
