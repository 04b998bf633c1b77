"""Section 6: many small files in one request."""

import errno
import os
import signal
import stat
import struct
import unittest
import unittest.mock
import zlib

import test_process
from support import Bench, HeldWorker, receiver, sha256, vectors
from test_requests import ROOT_USER, Case

NO_MTIME = receiver.NO_MTIME
TIME = 1700000000 * 10 ** 9


def record(name, content=b'', mode=0o644, mtime=TIME, size=None):
    length = len(content) if size is None else size
    return struct.pack('>HHIQ', len(name), mode, length, mtime) + name + content


class BundleCase(Case):
    def begin(self, stream_bytes, verb='bundle', bench=None, **fields):
        """The number of a stream that waits for its end."""
        bench = bench or self.bench
        bench.stream += 1
        fields.setdefault('path', self.folder)
        fields.setdefault('size', len(stream_bytes))
        bench.send(bench.stream, verb, **fields)
        for at in range(0, len(stream_bytes), 65000):
            bench.data(bench.stream, stream_bytes[at:at + 65000], at)
        return bench.stream

    def commit(self, stream, stream_bytes, bench=None):
        bench = bench or self.bench
        bench.send(stream, 'commit', size=len(stream_bytes), sha256=sha256(stream_bytes))

    def bundle(self, stream_bytes, verb='bundle', bench=None, **fields):
        """(verb, fields) of the final answer."""
        bench = bench or self.bench
        before = len(bench.answers)
        self.commit(self.begin(stream_bytes, verb, bench, **fields), stream_bytes, bench)
        answers = [a[1:] for a in bench.answers[before:]]
        if len(answers) > 1:
            self.assertEqual(answers.pop(0), ('accept', {'path': os.fsencode(self.folder)}))
        self.assertEqual(len(answers), 1)
        return answers[0]

    def done(self, *records, **fields):
        verb, out = self.bundle(b''.join(records), **fields)
        self.assertEqual(verb, 'done', out)
        return out

    def left(self, *records, **fields):
        return self.done(*records, **fields).get('left', b'').decode()

    def names(self):
        return sorted(os.listdir(self.folder))

    def descriptors(self):
        return len(os.listdir('/proc/self/fd'))


def make_tree(folder, tree):
    for name, what in sorted(tree.items()):
        path = os.path.join(folder, name)
        if 'target' in what:
            os.symlink(what['target'], path)
            continue
        if name.endswith('/'):
            os.mkdir(path)
        else:
            with open(path, 'wb') as file:
                file.write(bytes.fromhex(what['content']))
        if what['mode']:
            os.chmod(path, int(what['mode'], 8))
        if what['mtime']:
            os.utime(path, ns=(int(what['mtime']),) * 2)


def tree_of(folder, like):
    """What is there, as far as `like` wants to know it."""
    tree = {}
    for above, directories, files in os.walk(folder):
        for name in directories + files:
            path = os.path.join(above, name)
            found = os.lstat(path)
            key = os.path.relpath(path, folder) + ('/' if stat.S_ISDIR(found.st_mode) else '')
            if stat.S_ISLNK(found.st_mode):
                tree[key] = {'target': os.readlink(path)}
                continue
            wanted = like.get(key, {})
            tree[key] = {'mode': '%o' % stat.S_IMODE(found.st_mode) if wanted.get('mode') else None,
                         'mtime': str(found.st_mtime_ns) if wanted.get('mtime') else None}
            if stat.S_ISREG(found.st_mode):
                with open(path, 'rb') as file:
                    tree[key]['content'] = file.read().hex()
    return tree


class Vectors(BundleCase):
    unnamed = receiver.UNNAMED

    def check(self, one, number):
        self.folder = self.path(str(number))
        os.mkdir(self.folder)
        make_tree(self.folder, one['before'])
        fields = {'conflict': one['conflict']} if one['verb'] == 'bundle' else {}
        verb, out = self.bundle(bytes.fromhex(one['stream']), one['verb'], **fields)
        self.assertEqual(out.get('code', b'').decode() or None, one['code'])
        if verb == 'done':
            self.assertEqual((out['size'], out['sha256']), (b'%d' % (len(one['stream']) // 2), sha256(
                bytes.fromhex(one['stream'])).encode()))
        self.assertEqual({k: v.decode() for k, v in out.items() if k in ('left', 'unchanged', 'absent', 'lacks-execute')},
                         one['lists'])
        self.assertEqual(tree_of(self.folder, one['after']), one['after'])
        self.assertEqual((self.bench.requests.open, self.bench.requests.draining), ({}, set()))

    def test_all(self):
        before, top = self.descriptors(), self.folder
        with unittest.mock.patch.object(receiver, 'UNNAMED', self.unnamed):
            for number, one in enumerate(vectors('bundles.json')['trees'] + vectors('bundles.json')['comparisons']):
                with self.subTest(one['name']):
                    self.folder = top
                    self.check(one, number)
        self.assertGreater(number, 28)
        self.assertEqual(self.descriptors(), before)


class NamedVectors(Vectors):
    """Where a file cannot be without a name."""
    unnamed = 0


class Requests(BundleCase):
    def test_refusals(self):
        self.assertEqual(self.bench.code('bundle', path=self.folder), 'bad-request')
        self.assertEqual(self.bench.code('bundle', path=self.folder, size=receiver.BUNDLE_MAX + 1), 'bad-request')
        self.assertEqual(self.bench.code('bundle', path=self.path('none'), size=1), 'no-directory')
        self.assertEqual(self.bench.code('bundle', path=self.make('file'), size=1), 'not-a-directory')
        self.assertEqual(self.bench.code('bundle', path=self.folder, size=1, conflict='x'), 'unsupported')
        self.assertEqual(self.bench.code('compare', size=1), 'bad-request')

    def test_the_rest_of_a_refused_one_is_dropped(self):
        whole = record(b'a', b'x')
        for verb in ('bundle', 'compare'):
            stream = self.begin(whole, verb, path=self.path('none'))
            self.commit(stream, whole)
            self.assertEqual([a[1] for a in self.bench.answers if a[0] == stream], ['error'])
        self.assertEqual((self.names(), self.bench.requests.draining), ([], set()))

    def test_within_the_root_and_read_only(self):
        os.mkdir(self.path('root'))
        os.symlink(self.folder, self.path('root/out'))
        confined = Bench(self.path('root'))
        self.addCleanup(confined.close)
        for path in ('..', self.folder, 'out'):
            self.assertEqual(confined.code('bundle', path=path, size=1), 'outside-root')
        whole = record(b'out/x', b'x') + record(b'in', b'x')
        stream = self.begin(whole, bench=confined, path='.')
        self.commit(stream, whole, confined)
        self.assertEqual(confined.answers[-1][2]['left'], b'0')
        self.assertEqual((self.names(), sorted(os.listdir(self.path('root')))), (['root'], ['in', 'out']))
        reading = Bench(read_only=True)
        self.addCleanup(reading.close)
        for verb in ('bundle', 'compare'):
            self.assertEqual(reading.code(verb, path=self.folder, size=1), 'read-only')

    def test_by_way_of_a_link(self):
        os.mkdir(self.path('d'))
        os.symlink('d', self.path('l'))
        top, self.folder = self.folder, self.path('d')
        self.assertEqual(self.left(record(b'f', b'x'), path=os.path.join(top, 'l')), '')
        self.assertEqual(self.read('f'), b'x')

    def test_hash_comes_first(self):
        whole = record(b'a', b'x') + record(b'd/', mtime=NO_MTIME)
        for wrong, code in ((dict(sha256=sha256(b'')), b'hash-mismatch'), (dict(size=1), b'size-mismatch')):
            fields = dict(dict(size=len(whole), sha256=sha256(whole)), **wrong)
            self.assertEqual(self.bench.send(self.begin(whole), 'commit', **fields)[-1][2]['code'], code)
        self.assertEqual(self.names(), [])

    def test_more_and_less_than_announced(self):
        whole = record(b'a', b'x')
        stream = self.begin(whole, size=len(whole) - 1)
        self.assertEqual(self.bench.answers[-1][2]['code'], b'size-mismatch')
        self.bench.send(stream, 'cancel')
        self.commit(self.begin(whole, size=len(whole) + 1), whole)
        self.assertEqual((self.bench.answers[-1][1], self.names()), ('done', ['a']))

    def test_encoded(self):
        whole = b''.join(record(b'%d' % n, b'much the same\n' * 100) for n in range(50))
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = deflater.compress(whole) + deflater.flush(zlib.Z_SYNC_FLUSH)
        stream = self.begin(b'', size=len(whole), encoding='deflate')
        for at in range(0, len(packed), 100):
            self.bench.data(stream, packed[at:at + 100], 0, encoded=True)
        self.commit(stream, whole)
        self.assertEqual(self.bench.answers[-1][1], 'done')
        self.assertEqual((len(self.names()), self.read('49')), (50, b'much the same\n' * 100))

    def test_copy_is_not_for_a_bundle(self):
        stream = self.begin(b'', size=10, basis=1, resume=1)
        self.assertEqual(self.bench.copy(stream, 0, (0, 1))[0][2]['code'], b'bad-request')

    def test_as_many_records_as_there_may_be(self):
        records = [record(b'%d' % n) for n in range(receiver.RECORDS_MAX + 1)]
        self.assertEqual(self.bundle(b''.join(records))[1]['code'], b'bad-request')
        self.assertEqual(self.names(), [])
        self.assertEqual(self.left(*records[:-1]), '')
        self.assertEqual(len(self.names()), receiver.RECORDS_MAX)

    def test_many_files_and_directories(self):
        before = self.descriptors()
        records = [record(b'%d/' % n, mtime=NO_MTIME) for n in range(200)]
        records += [record(b'%d/%d' % (n % 200, n), b'%d' % n) for n in range(800)]
        self.assertEqual(self.left(*records), '')
        for n in range(800):
            self.assertEqual(self.read('%d/%d' % (n % 200, n)), b'%d' % n)
        self.assertEqual(self.descriptors(), before)

    def test_many_deep_directories(self):
        before = self.descriptors()
        deep = [b'/'.join([b'd%d' % n] + [b'x'] * depth) + b'/' for n in range(20) for depth in range(40)]
        self.assertEqual(self.left(*[record(name, mtime=NO_MTIME) for name in deep]), '')
        ends = [b'd%d/' % n + b'x/' * 39 + b'f' for n in range(20)]
        self.assertEqual(self.left(*[record(name, b'end') for name in ends]), '')
        self.assertEqual(self.done(*[record(name, size=3) for name in ends], verb='compare')['unchanged'], b'0-19')
        self.assertEqual(self.descriptors(), before)

    def test_orphans_of_other_receivers_go(self):
        os.mkdir(self.path('d'))
        self.make('d/.guestwire-00000000.part')
        self.assertEqual(self.left(record(b'd/f', b'x')), '')
        self.assertEqual(os.listdir(self.path('d')), ['f'])


class Writing(BundleCase):
    """What happens when the system does not do as it should, or the host changes its mind."""

    def test_order(self):
        """All are flushed before any is named, and the directory when all are."""
        calls = []

        def noted(name, real):
            def call(*arguments, **more):
                calls.append(name)
                return real(*arguments, **more)
            return unittest.mock.patch.object(os, name, call)
        with noted('fsync', os.fsync), noted('link', os.link):
            self.assertEqual(self.left(*[record(b'%d' % n, b'x') for n in range(3)]), '')
        self.assertEqual(calls, ['fsync'] * 3 + ['link'] * 3 + ['fsync'])

    def test_without_proc(self):
        real = os.open

        def opening(path, *arguments, **more):
            if path == '/proc/self/fd':
                raise FileNotFoundError(errno.ENOENT, 'test')
            return real(path, *arguments, **more)
        with unittest.mock.patch.object(os, 'open', opening):
            self.assertEqual(self.left(record(b'a', b'x'), record(b'b', b'y')), '')
        self.assertEqual((self.read('a'), self.read('b'), self.names()), (b'x', b'y', ['a', 'b']))

    def test_one_that_fails(self):
        real = os.fsync
        for code in (errno.EIO, errno.ENOSPC):
            calls = []

            def failing(fd):
                calls.append(fd)
                if len(calls) == 2:
                    raise OSError(code, 'test')
                real(fd)
            with unittest.mock.patch.object(os, 'fsync', failing):
                out = self.done(*[record(b'%d-%d' % (code, n), b'x') for n in range(3)])
            self.assertEqual(out['left'], b'1')
        self.assertEqual(len(self.names()), 4)

    def test_a_directory_that_cannot_be_flushed(self):
        """Then it is not said of its files that they are done."""
        with unittest.mock.patch.object(receiver.Location, 'flush_directory', lambda _: receiver.Refused('io', 'x')):
            self.assertEqual(self.left(record(b'a', b'x'), record(b'b', b'x')), '0-1')

    def test_full_disk(self):
        where = self.mount('size=64k')
        self.folder = where
        out = self.done(*[record(b'%d' % n, bytes(20000)) for n in range(5)])
        self.assertEqual(out['left'], b'2-4' if len(self.names()) == 2 else b'3-4')
        for name in self.names():
            self.assertEqual(len(self.read(name)), 20000)

    @unittest.skipUnless(ROOT_USER, 'NOT ROOT: another user cannot be played')
    def test_permission(self):
        os.chmod(self.folder, 0o555)
        os.seteuid(65534)
        try:
            self.assertEqual(self.left(record(b'a', b'x'), record(b'd/', mtime=NO_MTIME)), '0-1')
        finally:
            os.seteuid(0)
            os.chmod(self.folder, 0o700)

    def held(self):
        worker = HeldWorker()
        bench = Bench(worker=worker)
        self.addCleanup(bench.close)
        return worker, bench

    def cancel_after(self, calls, stop):
        """Stops while the files are being named."""
        worker, bench = self.held()
        whole = b''.join(record(b'%d' % n, b'x') for n in range(5))
        stream = self.begin(whole, bench=bench)
        self.commit(stream, whole, bench)
        real, named = os.link, []

        def linking(*arguments, **more):
            named.append(arguments)
            if len(named) == calls:
                stop(bench, stream)
            return real(*arguments, **more)
        with unittest.mock.patch.object(os, 'link', linking):
            worker.run()
        return bench, stream

    def test_cancel_between_two_files(self):
        before = self.descriptors()
        bench, stream = self.cancel_after(2, lambda bench, stream: bench.send(stream, 'cancel'))
        self.assertEqual(bench.answers[-1], (stream, 'error', dict(code=b'cancelled', message=b'cancelled',
                                                                   path=os.fsencode(self.folder))))
        self.assertEqual(self.names(), ['0', '1'])
        self.assertEqual((bench.requests.open, bench.requests.draining), ({}, set()))
        self.assertEqual(self.descriptors(), before + 1)    # the bench's own root

    def test_the_end_of_the_session(self):
        bench, _ = self.cancel_after(1, lambda bench, _: bench.requests.close())
        self.assertEqual((bench.answers[-1][1], self.names()), ('accept', ['0']))

    def test_cancel_before_commit(self):
        stream = self.begin(record(b'a', b'x'))
        self.assertEqual(self.bench.send(stream, 'cancel')[0][2]['code'], b'cancelled')
        self.assertEqual((self.names(), self.bench.requests.open), ([], {}))

    def test_directories_are_there_for_the_next_request(self):
        """Its files may not be yet."""
        worker, bench = self.held()
        whole = record(b'd/', mtime=NO_MTIME) + record(b'd/a', b'x')
        self.commit(self.begin(whole, bench=bench), whole, bench)
        self.assertEqual(os.listdir(self.path('d')), [])
        self.assertEqual(bench.ask('mkdir', path=self.path('d/e'))[0], 'done')
        worker.run()
        self.assertEqual(sorted(os.listdir(self.path('d'))), ['a', 'e'])

    def test_one_bundle_at_a_time(self):
        worker, bench = self.held()
        for name in (b'a', b'b', b'c'):
            whole = record(name, b'x')
            self.commit(self.begin(whole, bench=bench), whole, bench)
        self.assertEqual(len(worker.jobs), 1)
        worker.run()
        self.assertEqual(self.names(), ['a', 'b', 'c'])
        self.assertEqual([a[1] for a in bench.answers], ['accept'] * 3 + ['done'] * 3)

    def test_a_defect_is_told(self):
        broken = unittest.mock.patch.object(receiver.Bundle, '_write_files', side_effect=ValueError('test'))
        with broken, unittest.mock.patch.object(receiver.log, 'muted', True):
            self.assertEqual(self.bundle(record(b'a', b'x'))[1]['code'], b'internal')
        self.assertEqual(self.left(record(b'a', b'x')), '')


class Process(test_process.Case):
    """The whole receiver, on a line."""

    def begin(self, host, whole):
        stream = host.open('bundle', path=self.folder, size=len(whole))
        host.data(stream, whole)
        return stream

    def test_with_a_umask_of_its_own(self):
        host = self.start(wrapper=['sh', '-c', 'umask 077; exec "$@"', 'sh']).host().connect()
        whole = b''.join([record(b'd/', mode=0o755, mtime=NO_MTIME), record(b'd/a', b'x', 0o664),
                          record(b'd/b', b'x', receiver.NO_MODE)])
        stream = self.begin(host, whole)
        host.commit(stream, whole)
        self.assertEqual([verb for verb, _ in (host.answer(stream), host.answer(stream, 2))], ['accept', 'done'])
        modes = [stat.S_IMODE(os.stat(self.path(name)).st_mode) for name in ('d', 'd/a', 'd/b')]
        self.assertEqual(modes, [0o755, 0o664, 0o600])

    def test_a_session_that_ends_in_between_leaves_nothing(self):
        process = self.start()
        host = process.host().connect()
        self.begin(host, record(b'a', b'x' * 10000))
        process.host().connect()
        self.assertEqual(self.names(), [])
        process.stop(signal.SIGTERM)
        self.assertEqual(self.names(), [])

    def test_pings_are_answered_meanwhile(self):
        host = self.start().host().connect()
        whole = b''.join(record(b'%d' % n, b'x') for n in range(receiver.RECORDS_MAX))
        streams = [self.begin(host, whole) for _ in range(4)]
        for stream in streams:
            host.commit(stream, whole)
        host.ping(77)
        left = [host.answer(stream, 2)[1].get('left') for stream in streams]
        self.assertEqual(left, [None] + [b'0-1023'] * 3)
        self.assertEqual(len(self.names()), receiver.RECORDS_MAX)


if __name__ == '__main__':
    unittest.main()
