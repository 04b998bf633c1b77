"""Requests: what they do to the file system, and every error they end in."""

import errno
import os
import resource
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

from support import REPOSITORY, Bench, HeldWorker, receiver, sha256

ROOT_USER = os.geteuid() == 0
NOBODY = 65534


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)
        self.bench = Bench()
        self.addCleanup(self.bench.close)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, content=b'old', mtime=None):
        with open(self.path(name), 'wb') as file:
            file.write(content)
        if mtime is not None:
            os.utime(self.path(name), (mtime, mtime))
        return self.path(name)

    def read(self, name):
        with open(self.path(name), 'rb') as file:
            return file.read()

    def mount(self, options):
        """A file system that is small, or whatever else the options say."""
        where = self.path('mounted')
        os.mkdir(where)
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', where], stderr=subprocess.PIPE)
        if done.returncode:
            self.skipTest('NO TMPFS CAN BE MOUNTED HERE: %s' % done.stderr.decode().strip())
        self.addCleanup(subprocess.run, ['umount', where], check=True)
        return where

    def assertNothingLeft(self, folder=None):
        names = os.listdir(folder or self.folder)
        self.assertEqual([n for n in names if n.startswith('.guestwire')], [])


class Put(Case):
    def test_sizes(self):
        for size in (0, 1, 65535, 65536, 65537, 5000000):
            content = os.urandom(size)
            verb, fields = self.bench.put(self.path('f%d' % size), content)
            self.assertEqual((verb, fields), ('done', {
                'path': self.path('f%d' % size).encode(), 'size': b'%d' % size,
                'sha256': sha256(content).encode()}))
            self.assertEqual(self.read('f%d' % size), content)
        self.assertNothingLeft()

    def test_accept_names_the_final_path(self):
        os.mkdir(self.path('x'))
        answers = self.bench.send(9, 'put', path=self.folder + '/./x/../f')
        self.assertEqual(answers, [(9, 'accept', {'path': self.path('f').encode(), 'kind': b'file'})])

    def test_nothing_has_the_final_name_before_commit(self):
        self.bench.send(9, 'put', path=self.path('f'))
        self.bench.data(9, b'abc')
        names = os.listdir(self.folder)
        self.assertEqual(len(names), 1)
        self.assertRegex(names[0], r'^\.guestwire-[0-9a-f]{8}\.part$')
        self.assertEqual(stat.S_IMODE(os.stat(self.path(names[0])).st_mode), 0o600)

    def test_mode_and_mtime(self):
        for mode, wanted in (('640', 0o640), ('777', 0o777), ('0', 0), ('4755', 0o755), ('1777', 0o777)):
            self.bench.put(self.path('f' + mode), b'x', mode=mode, mtime='1700000000.123456789')
            found = os.stat(self.path('f' + mode))
            self.assertEqual((stat.S_IMODE(found.st_mode), found.st_mtime_ns), (wanted, 1700000000123456789))
        self.bench.config.umask = 0o027
        self.bench.put(self.path('g'), b'x')
        self.assertEqual(stat.S_IMODE(os.stat(self.path('g')).st_mode), 0o640)
        self.assertLess(abs(os.stat(self.path('g')).st_mtime - time.time()), 60)

    def test_mtime_before_1970_and_out_of_range(self):
        self.bench.put(self.path('f'), b'x', mtime='-1.5')
        self.assertEqual(os.stat(self.path('f')).st_mtime_ns, -1500000000)
        code = self.bench.put_code(self.path('g'), mtime='999999999999')
        self.assertIn(code, ('done', 'bad-request', 'bad-name', 'io'))
        self.assertNothingLeft()

    def test_awkward_names(self):
        for name in (b'with space', b'new\nline', b'-rf', b'*', b'%41', b'a=b', '\u00fc\u20ac'.encode(), b'\xff\xfe',
                     b'\x01\x7f', b'"quoted"', b'n' * 255, b'.hidden', b'...', b'~'):
            self.assertEqual(self.bench.put_code(os.fsencode(self.folder) + b'/' + name), 'done', name)
            self.assertIn(name, os.listdir(os.fsencode(self.folder)))

    def test_cancel(self):
        self.bench.send(9, 'put', path=self.path('f'))
        self.bench.data(9, b'abc')
        self.assertEqual([a[1:] for a in self.bench.send(9, 'cancel')],
                         [('error', {'code': b'cancelled', 'message': b'cancelled', 'path': self.path('f').encode()})])
        self.assertEqual(os.listdir(self.folder), [])
        self.assertEqual(self.bench.send(9, 'put', path=self.path('f'))[0][1], 'accept', 'the stream is free')

    def test_cancel_while_committing(self):
        worker = HeldWorker()
        bench = Bench(worker=worker)
        bench.send(9, 'put', path=self.path('f'), conflict='fail')
        self.assertEqual(bench.send(9, 'commit', size=0, sha256=sha256(b'')), [])
        self.assertEqual(bench.send(9, 'cancel'), [])
        worker.run()
        self.assertEqual(bench.answers[-1][2]['code'], b'cancelled')
        self.assertEqual(os.listdir(self.folder), [])
        self.assertEqual(bench.requests.open, {})
        self.assertEqual(bench.requests.draining, set())

    def test_mismatches(self):
        for fields, code in ((dict(size=4), b'size-mismatch'), (dict(sha256=sha256(b'abd')), b'hash-mismatch'),
                             (dict(sha256='xyz'), b'bad-request'), (dict(size='-1'), b'bad-request')):
            self.bench.send(9, 'put', path=self.path('f'))
            self.bench.data(9, b'abc')
            right = dict(size=3, sha256=sha256(b'abc'))
            right.update(fields)
            self.assertEqual(self.bench.send(9, 'commit', **right)[0][2]['code'], code)
            self.assertEqual(os.listdir(self.folder), [])
        self.bench.send(9, 'put', path=self.path('f'))
        self.assertEqual(self.bench.send(9, 'commit')[0][2]['code'], b'bad-request')

    def test_wrong_offset_and_too_much(self):
        for size, content, offset, code in (('', b'abc', 1, b'bad-request'), (2, b'abc', 0, b'size-mismatch')):
            fields = {'size': size} if size else {}
            self.bench.send(9, 'put', path=self.path('f'), **fields)
            self.assertEqual(self.bench.data(9, content, offset)[0][2]['code'], code)
            self.assertEqual(os.listdir(self.folder), [])
            self.assertEqual(self.bench.data(9, b'more', 3), [], 'dropped in silence')
            self.assertEqual(self.bench.send(9, 'commit', size=3, sha256=sha256(b'abc')), [])
            self.assertEqual(self.bench.requests.draining, set())
        self.bench.send(9, 'put', path=self.path('f'))
        self.bench.requests.data(9, memoryview(b'1234567'))
        self.assertEqual(self.bench.answers[-1][2]['code'], b'bad-request')
        self.bench.send(9, 'cancel')

    def test_pipelined_put_that_is_refused_gets_one_answer(self):
        before = len(self.bench.answers)
        self.bench.send(9, 'put', path=self.path('missing/f'))
        self.bench.data(9, b'abc')
        self.bench.send(9, 'commit', size=3, sha256=sha256(b'abc'))
        self.assertEqual([a[2]['code'] for a in self.bench.answers[before:]], [b'no-directory'])
        self.bench.send(9, 'put', path=self.path('f'))
        self.assertEqual(self.bench.answers[-1][1], 'accept')

    def test_put_with_an_invalid_payload_is_drained_too(self):
        for payload in (b'put\npath=/a\npath=/b\n', b'put\npath=%zz\n', b'put\n'):
            before = len(self.bench.answers)
            self.bench.requests.control(9, payload)
            self.bench.data(9, b'abc')
            self.bench.send(9, 'commit', size=3, sha256=sha256(b'abc'))
            self.assertEqual([a[2]['code'] for a in self.bench.answers[before:]], [b'bad-request'])
        self.assertEqual(self.bench.requests.draining, set())

    def test_streams(self):
        for stream in range(1, receiver.STREAMS + 1):
            self.assertEqual(self.bench.send(stream, 'put', path=self.path('f%d' % stream))[0][1], 'accept')
        self.assertEqual(self.bench.send(99, 'put', path=self.path('f'))[0][2]['code'], b'too-many')
        self.assertEqual(self.bench.send(98, 'stat', path='/')[0][2]['code'], b'too-many')
        self.bench.send(99, 'cancel')
        self.bench.send(1, 'cancel')
        self.assertEqual(self.bench.send(99, 'put', path=self.path('f'))[0][1], 'accept')

    def test_many_at_once_interleaved(self):
        contents = {n: os.urandom(5000 * n) for n in range(1, 17)}
        for n in contents:
            self.bench.send(n, 'put', path=self.path('f%d' % n))
        for at in range(0, 80000, 5000):
            for n, content in contents.items():
                if content[at:at + 5000]:
                    self.bench.data(n, content[at:at + 5000], at)
        for n, content in contents.items():
            self.assertEqual(self.bench.send(n, 'commit', size=len(content), sha256=sha256(content))[0][1], 'done')
            self.assertEqual(self.read('f%d' % n), content)

    def test_second_request_on_an_open_stream(self):
        self.bench.send(9, 'put', path=self.path('f'))
        self.assertEqual(self.bench.send(9, 'stat', path='/')[0][2]['code'], b'bad-request')
        self.assertEqual(os.listdir(self.folder), [])

    def test_stray_frames(self):
        self.assertEqual(self.bench.send(9, 'cancel'), [])
        self.assertEqual(self.bench.data(9, b'abc'), [])
        self.assertEqual(self.bench.send(9, 'commit', size=0, sha256=sha256(b''))[0][2]['code'], b'bad-request')
        self.assertEqual(self.bench.send(0, 'stat', path='/')[0][2]['code'], b'bad-request')

    def test_dropped_session_leaves_nothing(self):
        self.bench.send(9, 'put', path=self.path('f'))
        self.bench.data(9, b'abc')
        self.bench.requests.close()
        self.assertEqual(os.listdir(self.folder), [])

    def commit_together(self, worker, names, end):
        """Small files whose frames came in one read; the answers after `end`
        has been called with a list of what was flushed and named so far."""
        bench = Bench(worker=worker)
        self.addCleanup(bench.close)
        for stream, name in enumerate(names, 1):
            bench.send(stream, 'put', path=self.path(name), size=1)
            bench.data(stream, b'x')
            bench.send(stream, 'commit', size=1, sha256=sha256(b'x'))
        accepted, calls, fsync, link = len(bench.answers), [], os.fsync, os.link

        def flushing(fd):
            calls.append('directory' if stat.S_ISDIR(os.fstat(fd).st_mode) else 'file')
            self.assertEqual(len(bench.answers), accepted, 'nothing is done before all is flushed')
            end(calls)
            fsync(fd)

        def linking(*names, **where):
            calls.append('name')
            link(*names, **where)

        with unittest.mock.patch.object(os, 'fsync', flushing), unittest.mock.patch.object(os, 'link', linking):
            worker.run()
        return calls, bench.answers[accepted:]

    def test_small_files_are_flushed_together(self):
        os.mkdir(self.path('d'))
        calls, answers = self.commit_together(HeldWorker(), ['a', 'b', 'd/c'], lambda calls: None)
        self.assertEqual(calls, ['file', 'name'] * 3 + ['directory'] * 2)
        self.assertEqual([(a[0], a[1]) for a in answers], [(1, 'done'), (2, 'done'), (3, 'done')])

    def test_small_files_fail_one_by_one(self):
        def fail(calls):
            if calls == ['file', 'name', 'file']:
                raise OSError(errno.EIO, 'broken')

        calls, answers = self.commit_together(HeldWorker(), ['a', 'b', 'c'], fail)
        self.assertEqual(sorted((a[0], a[1]) for a in answers), [(1, 'done'), (2, 'error'), (3, 'done')])
        self.assertEqual(sorted(os.listdir(self.folder)), ['a', 'c'])

    def test_a_directory_that_cannot_be_flushed(self):
        def fail(calls):
            if calls[-1] == 'directory':
                raise OSError(errno.EIO, 'broken')

        _, answers = self.commit_together(HeldWorker(), ['a', 'b'], fail)
        self.assertEqual([a[2]['code'] for a in answers], [b'io', b'io'])

    def test_descriptors_are_given_back(self):
        before = len(os.listdir('/proc/self/fd'))
        for n in range(30):
            self.bench.put(self.path('f%d' % n), b'x')
            self.bench.put(self.path('f%d' % n), b'x')
            self.bench.put(self.path('no/f'), b'x')
            self.bench.put(self.path('f0/f'), b'x')
            self.bench.put('/dev/null', b'x')
            self.bench.put('/dev/full', b'x')
            self.bench.ask('stat', path=self.path('f0'), hash='sha256')
            self.bench.ask('symlink', path=self.path('l'), target='x', conflict='rename')
            self.bench.ask('mkdir', path=self.path('d'), mode='755')
            self.bench.ask('attributes', path=self.path('d'), mode='700')
        self.assertEqual(len(os.listdir('/proc/self/fd')), before)


class Conflicts(Case):
    def test_fail_tells_what_is_there(self):
        self.make('f', b'12345', 1600000000)
        verb, fields = self.bench.put(self.path('f'), b'x')
        self.assertEqual((verb, {k: fields[k] for k in ('code', 'type', 'size', 'mtime', 'path', 'errno')}),
                         ('error', {'code': b'exists', 'type': b'file', 'size': b'5', 'mtime': b'1600000000',
                                    'path': self.path('f').encode(), 'errno': b'EEXIST'}))
        self.assertEqual(self.read('f'), b'12345')

    def test_overwrite(self):
        self.make('f')
        inode = os.stat(self.path('f')).st_ino
        self.assertEqual(self.bench.put_code(self.path('f'), b'new', conflict='overwrite'), 'done')
        self.assertEqual(self.read('f'), b'new')
        self.assertNotEqual(os.stat(self.path('f')).st_ino, inode)
        self.assertEqual(self.bench.put_code(self.path('g'), b'new', conflict='overwrite'), 'done')

    def test_skip(self):
        self.make('f')
        os.mkdir(self.path('d'))
        os.symlink('f', self.path('l'))
        for name in ('f', 'd', 'l'):
            self.assertEqual(self.bench.put(self.path(name), b'new', conflict='skip')[1]['skipped'], b'exists')
        self.assertEqual(self.read('f'), b'old')
        self.assertEqual(self.bench.put_code(self.path('g'), b'new', conflict='skip'), 'done')
        self.assertEqual(self.bench.requests.draining, set())

    def test_newer(self):
        self.make('f', b'old', 1600000000)
        for mtime in ('1599999999', '1600000000', '1600000000.0'):
            self.assertEqual(self.bench.put(self.path('f'), b'n', conflict='newer', mtime=mtime)[1].get('skipped'),
                             b'not-newer')
        self.assertEqual(self.bench.put_code(self.path('f'), b'n', conflict='newer'), 'bad-request')
        self.assertEqual(self.bench.put_code(self.path('f'), b'n', conflict='newer', mtime='1600000000.000000001'),
                         'done')
        self.assertEqual(self.read('f'), b'n')

    def test_rename(self):
        for name in ('f.txt', 'archive.tar.gz', '.hidden', 'plain', 'f (2).txt'):
            self.make(name)
        os.mkdir(self.path('dir'))
        for name, wanted in (('f.txt', 'f (3).txt'), ('archive.tar.gz', 'archive.tar (2).gz'), ('plain', 'plain (2)'),
                             ('.hidden', '.hidden (2)'), ('dir', 'dir (2)'), ('fresh', 'fresh')):
            verb, fields = self.bench.put(self.path(name), b'new', conflict='rename')
            self.assertEqual((verb, fields['path']), ('done', self.path(wanted).encode()))
            self.assertEqual(self.read(wanted), b'new')

    def test_unknown_policy(self):
        self.assertEqual(self.bench.put_code(self.path('f'), conflict='merge'), 'unsupported')

    def race(self, conflict, make):
        """`make` makes the name between put and commit."""
        self.bench.send(9, 'put', path=self.path('f'), conflict=conflict)
        self.bench.data(9, b'new')
        make()
        answer = self.bench.send(9, 'commit', size=3, sha256=sha256(b'new'))[0]
        self.assertNothingLeft()
        return answer[2]

    def test_name_made_in_the_meantime(self):
        self.assertEqual(self.race('fail', lambda: self.make('f'))['code'], b'exists')
        self.assertEqual(self.read('f'), b'old')
        os.unlink(self.path('f'))
        self.assertEqual(self.race('skip', lambda: self.make('f'))['code'], b'exists')
        os.unlink(self.path('f'))
        self.assertEqual(self.race('rename', lambda: self.make('f'))['path'], self.path('f (2)').encode())
        self.assertEqual((self.read('f'), self.read('f (2)')), (b'old', b'new'))
        os.unlink(self.path('f'))
        self.assertNotIn('code', self.race('overwrite', lambda: self.make('f')))
        self.assertEqual(self.read('f'), b'new')

    def test_destination_becomes_something_else(self):
        for conflict in ('fail', 'overwrite'):
            fields = self.race(conflict, lambda: os.symlink('target', self.path('f')))
            self.assertEqual(fields['code'], b'exists' if conflict == 'fail' else b'is-symlink')
            os.unlink(self.path('f'))
        fields = self.race('overwrite', lambda: os.mkdir(self.path('f')))
        self.assertEqual(fields['code'], b'is-directory')

    def test_file_system_without_hard_links(self):
        link = os.link

        def refusing(*_, **__):
            raise OSError(errno.EPERM, 'Operation not permitted')
        os.link = refusing
        try:
            self.assertEqual(self.bench.put_code(self.path('f'), b'new'), 'done')
            self.assertEqual(self.bench.put_code(self.path('f'), b'new'), 'exists')
            os.unlink(self.path('f'))
            self.assertEqual(self.race('fail', lambda: self.make('f')).get('code'), b'exists')
            self.assertEqual(self.read('f'), b'old')
        finally:
            os.link = link


class Destinations(Case):
    def test_directory(self):
        os.mkdir(self.path('d'))
        for path in ('d', 'd/', 'd/.', '.'):
            for conflict in ('fail', 'overwrite', 'newer'):
                self.assertEqual(self.bench.put_code(self.path(path), conflict=conflict, mtime='1'), 'is-directory')
        self.assertEqual(self.bench.put_code('/'), 'is-directory')

    def test_symlink(self):
        self.make('f')
        os.symlink('f', self.path('l'))
        os.symlink('nothing', self.path('dangling'))
        for name in ('l', 'dangling'):
            for conflict in ('fail', 'overwrite'):
                self.assertEqual(self.bench.put_code(self.path(name), conflict=conflict), 'is-symlink')
        self.assertEqual(self.read('f'), b'old')

    def test_sockets_and_fifos(self):
        os.mkfifo(self.path('fifo'))
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(self.path('socket'))
        for name in ('fifo', 'socket'):
            for conflict in ('fail', 'overwrite'):
                self.assertEqual(self.bench.put_code(self.path(name), conflict=conflict), 'is-special')
            self.assertEqual(self.bench.ask('stat', path=self.path(name))[1]['type'], b'special')
            self.assertEqual(self.bench.code('attributes', path=self.path(name), mode='600'), 'is-special')
            self.assertEqual(self.bench.ask('stat', path=self.path(name), hash='sha256')[0], 'done')

    def test_missing_directory_and_file_for_one(self):
        self.make('f')
        self.assertEqual(self.bench.put_code(self.path('no/f')), 'no-directory')
        self.assertEqual(self.bench.put_code(self.path('f/f')), 'not-a-directory')

    def test_names(self):
        self.assertEqual(self.bench.put_code(self.path('n' * 256)), 'name-too-long')
        self.assertEqual(self.bench.put_code(self.path('n' * 256 + '/x')), 'name-too-long')
        self.assertEqual(self.bench.put_code(self.path('a\0b')), 'bad-name')
        self.assertEqual(self.bench.put_code(''), 'bad-request')

    def test_dev_null(self):
        for conflict in receiver.CONFLICTS:
            verb, fields = self.bench.put('/dev/null', b'x' * 100000, conflict=conflict.decode())
            self.assertEqual((verb, fields['path'], fields['size']), ('done', b'/dev/null', b'100000'))
        self.assertEqual(self.bench.ask('stat', path='/dev/null')[1]['type'], b'device')
        self.assertEqual(self.bench.send(9, 'put', path='/dev/null')[0][2]['kind'], b'device')

    def test_dev_full(self):
        verb, fields = self.bench.put('/dev/full', b'x')
        self.assertEqual((verb, fields['code'], fields['errno']), ('error', b'no-space', b'ENOSPC'))
        self.assertEqual(self.bench.put_code('/dev/full', b''), 'done')

    def test_device_that_takes_nothing(self):
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        receiver.DEVICE_WAIT_S, before = 0.5, receiver.DEVICE_WAIT_S
        self.addCleanup(setattr, receiver, 'DEVICE_WAIT_S', before)
        verb, fields = self.bench.put(os.ttyname(slave), b'x' * 500000)
        self.assertEqual((verb, fields['code'], fields['errno']), ('error', b'io', b'ETIMEDOUT'))

    def test_block_device(self):
        found = ['/dev/' + n for n in os.listdir('/dev') if stat.S_ISBLK(os.lstat('/dev/' + n).st_mode)]
        if not found and ROOT_USER:
            try:
                os.mknod(self.path('block'), stat.S_IFBLK | 0o600, os.makedev(7, 200))
                found = [self.path('block')]
            except OSError:
                pass
        if not found:
            self.skipTest('no block device here and none can be made')
        for conflict in ('fail', 'overwrite'):
            self.assertEqual(self.bench.put_code(found[0], conflict=conflict), 'is-special')


class Refusals(Case):
    def test_read_only_mode(self):
        self.make('f')
        bench = Bench(read_only=True)
        self.addCleanup(bench.close)
        self.assertEqual(bench.put_code(self.path('g')), 'read-only')
        self.assertEqual(bench.put_code('/dev/null'), 'read-only')
        for verb, more in (('mkdir', {}), ('symlink', {'target': 'x'}), ('attributes', {'mode': '777'})):
            self.assertEqual(bench.code(verb, path=self.path('g'), **more), 'read-only')
        self.assertEqual(bench.ask('stat', path=self.path('f'), hash='sha256')[1]['sha256'], sha256(b'old').encode())
        self.assertEqual(os.listdir(self.folder), ['f'])

    def test_unknown_verb_and_arguments(self):
        self.assertEqual(self.bench.code('teleport', path='/'), 'unsupported')
        self.assertEqual(self.bench.code('stat'), 'bad-request')
        self.assertEqual(self.bench.code('stat', path='/', hash='md5'), 'unsupported')
        self.assertEqual(self.bench.code('symlink', path=self.path('l')), 'bad-request')
        for field, value in (('size', '12x'), ('size', '-1'), ('mode', '888'), ('mode', ''), ('mtime', 'now'),
                             ('mtime', '1.'), ('mtime', '1.1234567890'), ('size', '9' * 20)):
            self.assertEqual(self.bench.put_code(self.path('f'), **{field: value}), 'bad-request', (field, value))
        self.assertEqual(self.bench.put_code(self.path('f'), from_the_future='1'), 'done', 'unknown keys are ignored')

    def as_nobody(self, script):
        """Runs Python code as another user; returns what it prints."""
        if not ROOT_USER:
            self.skipTest('needs root to become another user')
        # that user need not be able to read the checkout: the sources go in by standard input
        with open(receiver.__file__) as file:
            source = file.read()
        program = ('import sys, types\nreceiver = types.ModuleType("receiver"); sys.modules["receiver"] = receiver\n'
                   'exec(compile(%r, "receiver.py", "exec"), receiver.__dict__)\n' % source)
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'support.py')) as file:
            support = file.read().replace('import receiver', 'import receiver as _').replace('__file__', '"/x/y"')
        program += support + '\n' + script
        done = subprocess.run([interpreter(), '-c', 'import os,sys; os.setgroups([]); os.setgid(%d); os.setuid(%d);'
                               'exec(sys.stdin.read())' % (NOBODY, NOBODY)], input=program.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd='/')
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode().split()

    def test_permission(self):
        os.chmod(self.folder, 0o755)
        self.make('f')
        os.mkdir(self.path('closed'), 0o700)
        codes = self.as_nobody('b = Bench(); d = %r\n'
                               'print(b.put_code(d + "/new"), b.put_code(d + "/f", conflict="overwrite"),'
                               'b.put_code(d + "/closed/x"), b.code("mkdir", path=d + "/dir"),'
                               'b.code("symlink", path=d + "/l", target="x"),'
                               'b.code("attributes", path=d + "/f", mode="777"),'
                               'b.code("attributes", path=d + "/f", mtime="1"),'
                               'b.code("stat", path=d + "/closed/x"), b.put_code("/dev/null"),'
                               'b.put_code("/tmp/../proc/sys/kernel/hostname", conflict="overwrite"))' % self.folder)
        self.assertEqual(codes[:8], ['permission'] * 8)
        self.assertEqual(codes[8], 'done')
        self.assertIn(codes[9], ('permission', 'no-directory', 'read-only-filesystem'))

    def test_unreadable_own_files(self):
        """Directories that may be searched but not listed, files that may be
        written but not read."""
        os.chmod(self.folder, 0o777)
        codes = self.as_nobody('import os\nb = Bench(); d = %r + "/"\nos.mkdir(d + "w", 0o300)\n'
                               'print(b.put_code(d + "w/f", mode="200"), b.code("attributes", path=d + "w/f",'
                               'mode="640", mtime="5"), b.code("attributes", path=d + "w", mtime="7"))\n'
                               'os.chmod(d + "w", 0o700); s = os.stat(d + "w/f"); print(oct(s.st_mode), int(s.st_mtime))'
                               % self.folder)
        self.assertEqual(codes, ['done', 'done', 'done', '0o100640', '5'])

    def test_file_size_limit(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, hard))
        try:
            verb, fields = self.bench.put(self.path('f'), b'x' * 200000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        self.assertEqual((verb, fields['code'], fields['errno']), ('error', b'too-large', b'EFBIG'))
        self.assertEqual(os.listdir(self.folder), [])

    def test_every_errno_has_a_known_code(self):
        with open(os.path.join(REPOSITORY, 'guest', 'PROTOCOL.md'), encoding='utf-8') as file:
            table = file.read().split('### Error codes')[1].split('## 6')[0]
        for number in errno.errorcode:
            for writing in (False, True):
                code = receiver.refused(OSError(number, 'x'), None, writing).code
                self.assertIn('`%s`' % code, table)
        self.assertEqual(receiver.refused(OSError(errno.EDQUOT, 'x'), None, True).code, 'quota')
        self.assertEqual(receiver.refused(OSError(errno.EILSEQ, 'x'), None).code, 'bad-name')
        self.assertEqual(receiver.refused(OSError(errno.EIO, 'x'), None).code, 'io')


def interpreter():
    """A python3 another user can run."""
    for path in (os.path.realpath(sys.executable), '/usr/bin/python3'):
        if os.path.exists(path) and not path.startswith('/root'):
            return path
    return sys.executable


class Mounts(Case):
    """A file system that is small, then read-only."""

    def test_disk_full(self):
        where = self.mount('size=1m')
        code = self.bench.put_code(where + '/f', b'x' * 2000000)
        self.assertEqual(code, 'no-space')
        self.assertEqual(self.bench.answers[-1][1], 'error')
        self.bench.send(9, 'put', path=where + '/f')            # size unknown: the write finds out
        answers = []
        for at in range(0, 2000000, 50000):
            answers += self.bench.data(9, b'x' * 50000, at)
        self.assertEqual([(a[2]['code'], a[2]['errno']) for a in answers], [(b'no-space', b'ENOSPC')])
        self.assertEqual(os.listdir(where), [])
        self.bench.send(9, 'commit', size=0, sha256=sha256(b''))
        self.assertEqual(self.bench.put_code(where + '/f', b'x' * 500000), 'done')
        self.assertGreater(int(self.bench.ask('stat', path=where)[1]['free']), 400000)
        self.assertEqual(self.bench.put_code(where + '/f', b'x' * 600000, conflict='overwrite'), 'no-space')
        self.assertEqual(os.path.getsize(where + '/f'), 500000, 'the old file stands')

    def test_out_of_inodes(self):
        where = self.mount('size=1m,nr_inodes=5')
        for number in range(4):
            os.mkdir('%s/%d' % (where, number))
        self.assertEqual(self.bench.put_code(where + '/f', b'x'), 'no-inodes')
        self.assertEqual(self.bench.answers[-1][2]['errno'], b'ENOSPC')
        self.assertEqual(self.bench.ask('mkdir', path=where + '/d')[1]['code'], b'no-inodes')
        self.assertEqual(self.bench.ask('symlink', path=where + '/l', target='f')[1]['code'], b'no-inodes')
        self.assertEqual(len(os.listdir(where)), 4)

    def test_read_only_file_system(self):
        where = self.mount('size=1m')
        with open(where + '/f', 'w') as file:
            file.write('old')
        subprocess.run(['mount', '-o', 'remount,ro', where], check=True)
        for path in ('/new', '/f'):
            for content in (b'', b'x', b'x' * 2000000):
                self.assertEqual(self.bench.put_code(where + path, content, conflict='overwrite'),
                                 'read-only-filesystem')
        for verb, more in (('mkdir', {'path': '/d'}), ('symlink', {'path': '/l', 'target': 'x'}),
                           ('attributes', {'path': '/f', 'mode': '777'}), ('attributes', {'path': '/f', 'mtime': '1'})):
            more = dict(more, path=where + more['path'])
            self.assertEqual(self.bench.code(verb, **more), 'read-only-filesystem', verb)


class Stat(Case):
    def test_kinds(self):
        self.make('f', b'12345', 1600000000.5)
        os.chmod(self.path('f'), 0o4751)
        os.symlink('f', self.path('l'))
        os.symlink('nothing', self.path('dangling'))
        out = self.bench.ask('stat', path=self.path('f'))[1]
        free = int(out.pop('free'))
        self.assertGreater(free, 0)
        self.assertEqual(out, {'type': b'file', 'path': self.path('f').encode(), 'size': b'5',
                               'mtime': b'1600000000.5', 'mode': b'4751'})
        self.assertEqual(self.bench.ask('stat', path=self.path('l'))[1]['path'], self.path('f').encode())
        out = self.bench.ask('stat', path=self.path('l'), follow='0')[1]
        self.assertEqual((out['type'], out['target'], out['path']), (b'symlink', b'f', self.path('l').encode()))
        self.assertEqual(self.bench.ask('stat', path=self.path('dangling'))[1]['type'], b'none')
        self.assertEqual(self.bench.ask('stat', path=self.path('dangling'), follow='0')[1]['type'], b'symlink')
        out = self.bench.ask('stat', path=self.folder)[1]
        self.assertEqual((out['type'], 'size' in out), (b'directory', False))
        self.assertEqual(self.bench.ask('stat', path='/dev/null')[1]['type'], b'device')
        for name in ('none', 'no/none'):
            out = self.bench.ask('stat', path=self.path(name))[1]
            self.assertEqual((out['type'], out['path']), (b'none', self.path(name).encode()))
        self.assertEqual(self.bench.code('stat', path=self.path('f/x')), 'not-a-directory')

    def test_hash(self):
        content = os.urandom(1000000)
        self.make('f', content)
        self.assertEqual(self.bench.ask('stat', path=self.path('f'), hash='sha256')[1]['sha256'],
                         sha256(content).encode())
        self.assertNotIn('sha256', self.bench.ask('stat', path=self.folder, hash='sha256')[1])

    def test_time_text(self):
        for nanoseconds, wanted in ((0, '0'), (1, '0.000000001'), (1500000000, '1.5'), (-1500000000, '-1.5'),
                                    (1700000000 * 10 ** 9, '1700000000'), (10 * 10 ** 9, '10')):
            self.assertEqual(receiver.time_text(nanoseconds), wanted)
            self.assertEqual(receiver.mtime_of({'mtime': wanted.encode()}), nanoseconds)


class Others(Case):
    def test_mkdir(self):
        self.assertEqual(self.bench.ask('mkdir', path=self.path('d'), mode='750')[1], {'path': self.path('d').encode()})
        self.assertEqual(stat.S_IMODE(os.stat(self.path('d')).st_mode), 0o750)
        self.assertEqual(self.bench.ask('mkdir', path=self.path('d') + '/')[1],
                         {'path': self.path('d').encode(), 'existed': b'1'})
        self.assertEqual(self.bench.ask('mkdir', path=self.path('t') + '/', mode='1777')[0], 'done')
        self.assertEqual(stat.S_IMODE(os.stat(self.path('t')).st_mode), 0o1777)
        self.make('f')
        os.symlink('d', self.path('l'))
        os.symlink('nothing', self.path('dangling'))
        self.assertEqual(self.bench.code('mkdir', path=self.path('f')), 'not-a-directory')
        self.assertEqual(self.bench.ask('mkdir', path=self.path('l'))[1]['existed'], b'1')
        self.assertEqual(self.bench.code('mkdir', path=self.path('dangling')), 'not-a-directory')
        self.assertEqual(self.bench.code('mkdir', path=self.path('no/d')), 'no-directory')
        self.assertEqual(self.bench.code('mkdir', path=self.path('n' * 256)), 'name-too-long')
        self.assertEqual(self.bench.ask('mkdir', path='/')[1]['existed'], b'1')

    def test_inherited_group_bit_stays(self):
        os.chmod(self.folder, 0o2755)
        self.bench.ask('mkdir', path=self.path('d'), mode='711')
        self.assertEqual(stat.S_IMODE(os.stat(self.path('d')).st_mode), 0o2711)

    def test_symlink(self):
        ask = self.bench.ask
        self.assertEqual(ask('symlink', path=self.path('l'), target='to/\n\u00fc'),
                         ('done', {'path': self.path('l').encode()}))
        self.assertEqual(os.readlink(self.path('l')), 'to/\n\u00fc')
        for conflict in ('fail', 'overwrite', 'skip', 'rename', 'newer'):
            self.assertEqual(ask('symlink', path=self.path('l'), target='to/\n\u00fc', conflict=conflict)[1]['skipped'],
                             b'identical')
        self.assertEqual(ask('symlink', path=self.path('l'), target='x')[1]['code'], b'exists')
        self.assertEqual(ask('symlink', path=self.path('l'), target='x')[1]['type'], b'symlink')
        self.assertEqual(ask('symlink', path=self.path('l'), target='x', conflict='skip')[1]['skipped'], b'exists')
        self.assertEqual(ask('symlink', path=self.path('l'), target='x', conflict='newer')[1]['skipped'], b'not-newer')
        self.assertEqual(ask('symlink', path=self.path('l'), target='x', conflict='rename')[1]['path'],
                         self.path('l (2)').encode())
        self.assertEqual(ask('symlink', path=self.path('l'), target='x', conflict='overwrite')[0], 'done')
        self.assertEqual(os.readlink(self.path('l')), 'x')
        self.make('f')
        self.assertEqual(ask('symlink', path=self.path('f'), target='x', conflict='overwrite')[0], 'done')
        self.assertEqual(os.readlink(self.path('f')), 'x')
        os.mkdir(self.path('d'))
        os.mkfifo(self.path('fifo'))
        self.assertEqual(self.bench.code('symlink', path=self.path('d'), target='x', conflict='overwrite'), 'is-directory')
        self.assertEqual(self.bench.code('symlink', path=self.path('fifo'), target='x', conflict='overwrite'), 'is-special')
        self.assertEqual(self.bench.code('symlink', path=self.path('no/l'), target='x'), 'no-directory')
        self.assertEqual(self.bench.code('symlink', path=self.path('m'), target='x' * 5000), 'name-too-long')
        self.assertNothingLeft()

    def test_attributes(self):
        self.make('f')
        os.mkdir(self.path('d'))
        os.symlink('f', self.path('l'))
        for name, mode, wanted in (('f', '4700', 0o700), ('d', '1711', 0o1711), ('l', '644', 0o644)):
            self.assertEqual(self.bench.ask('attributes', path=self.path(name), mode=mode, mtime='12.5'), ('done', {}))
            found = os.stat(self.path(name))
            self.assertEqual((stat.S_IMODE(found.st_mode), found.st_mtime), (wanted, 12.5))
        self.assertEqual(self.bench.code('attributes', path=self.path('none'), mode='644'), 'not-found')
        self.assertEqual(self.bench.code('attributes', path=self.path('no/none'), mode='644'), 'not-found')
        self.assertEqual(self.bench.code('attributes', path=self.path('f/none'), mode='644'), 'not-a-directory')


# Removes what nobody has locked as fast as it can: a receiver sweeps a directory once.
SWEEPER = """
import fcntl, os, sys
os.chdir(sys.argv[1])
print('ready', flush=True)
while True:
    for name in os.listdir('.'):
        if not name.endswith('.part'):
            continue
        try:
            fd = os.open(name, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name)
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(fd)
"""


class Orphans(Case):
    NAME = '.guestwire-0123abcd.part'

    def test_unlocked_temporary_files_go(self):
        self.make(self.NAME)
        self.make('.guestwire-0123ABCD.part')
        self.make('.guestwire-01234567.partial')
        self.bench.put(self.path('f'), b'x')
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ['.guestwire-01234567.partial', '.guestwire-0123ABCD.part', 'f'])

    def test_locked_ones_stay(self):
        other = Bench()
        self.addCleanup(other.close)
        other.send(1, 'put', path=self.path('g'))
        other.data(1, b'abc')
        self.bench.put(self.path('f'), b'x')
        self.assertEqual(other.send(1, 'commit', size=3, sha256=sha256(b'abc'))[0][1], 'done')
        self.assertEqual(sorted(os.listdir(self.folder)), ['f', 'g'])

    def test_a_sweep_of_another_receiver_between_creation_and_lock(self):
        sweeper = subprocess.Popen([sys.executable, '-c', SWEEPER, self.folder], stdout=subprocess.PIPE)
        self.addCleanup(sweeper.stdout.close)
        self.addCleanup(sweeper.wait)
        self.addCleanup(sweeper.terminate)
        self.assertEqual(sweeper.stdout.readline(), b'ready\n')
        for n in range(300):
            self.assertEqual(self.bench.put_code(self.path('f%d' % n)), 'done')

    def test_links_and_fifos_of_that_name_are_not_touched(self):
        self.make('f')
        os.symlink('f', self.path(self.NAME))
        os.mkfifo(self.path('.guestwire-00000000.part'))
        self.bench.put(self.path('g'), b'x')
        self.assertEqual(len(os.listdir(self.folder)), 4)


if __name__ == '__main__':
    unittest.main()
