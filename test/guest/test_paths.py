"""The path walker: nothing leads out of --root."""

import os
import tempfile
import unittest

from support import Bench, receiver


class Confined(unittest.TestCase):
    """root/ with a directory, a file and links of all kinds; outside/ beside it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = os.path.realpath(folder.name)
        self.inside, self.outside = self.path('root'), self.path('outside')
        for name in ('root', 'root/dir', 'root/dir/deep', 'outside', 'rootling'):
            os.mkdir(self.path(name))
        for name in ('root/file', 'outside/secret'):
            with open(self.path(name), 'w') as file:
                file.write('content')
        links = {'root/link-out': self.outside, 'root/link-up': '..', 'root/link-file-out': '../outside/secret',
                 'root/link-in': 'dir', 'root/absolute-in': self.inside + '/dir', 'root/dir/link-back': '../file',
                 'root/loop-a': 'loop-b', 'root/loop-b': 'loop-a', 'root/dangling': 'nothing',
                 'root/dangling-out': '/nowhere/at/all', 'root/self': '.', 'outside/link-to-root': self.inside,
                 'root/dir/zigzag': '../link-in/../../root/dir'}
        for name, target in links.items():
            os.symlink(target, self.path(name))
        self.root = receiver.Root(self.inside)
        self.addCleanup(os.close, self.root.fd)
        self.before = len(os.listdir('/proc/self/fd'))

    def path(self, name):
        return os.path.join(self.top, name)

    def locate(self, path, follow=False):
        with self.root.locate(os.fsencode(path), follow) as place:
            return os.fsdecode(place.path)[len(self.top) + 1:], os.fsdecode(place.name)

    def code(self, path, follow=False):
        try:
            return self.locate(path, follow)
        except receiver.Refused as error:
            return error.code
        finally:
            self.assertEqual(len(os.listdir('/proc/self/fd')), self.before, 'descriptors leak')

    def test_inside(self):
        for path, found in {
                'file': ('root/file', 'file'), './file': ('root/file', 'file'), 'dir//deep': ('root/dir/deep', 'deep'),
                'dir/../file': ('root/file', 'file'), 'new': ('root/new', 'new'), 'dir/': ('root/dir', '.'),
                '.': ('root', '.'), './': ('root', '.'), 'dir/deep/..': ('root/dir', '.'),
                'link-in/new': ('root/dir/new', 'new'), 'absolute-in/new': ('root/dir/new', 'new'),
                'self/self/self/file': ('root/file', 'file'),
                '-rf': ('root/-rf', '-rf'), 'a\nb': ('root/a\nb', 'a\nb')}.items():
            with self.subTest(path):
                self.assertEqual(self.code(path), found)

    def test_absolute(self):
        self.assertEqual(self.code(self.inside + '/file'), ('root/file', 'file'))
        self.assertEqual(self.code(self.inside), ('root', '.'))
        self.assertEqual(self.code(self.inside + '/'), ('root', '.'))
        self.assertEqual(self.code(self.outside + '/../root/file'), ('root/file', 'file'))
        self.assertEqual(self.code(self.outside + '/link-to-root/file'), ('root/file', 'file'))

    def test_outside(self):
        for path in ('..', '../', '../outside/new', 'dir/../../outside/secret', '../root/file', '/', '/etc/passwd',
                     '/nowhere', '/etc/passwd/x', self.outside, self.outside + '/secret', self.path('rootling/x'),
                     self.path('rootling'), self.inside + '/../outside/secret', 'link-out/new', 'link-out/secret',
                     'link-out/..', 'link-up/outside/new', 'link-in/../../outside/x', 'dangling-out/x',
                     'self/../../outside/x', 'dir/zigzag/new', '~/x', '/proc/self/root/etc/x',
                     '/proc/self/cwd/x', '/dev/null'):
            with self.subTest(path):
                self.assertEqual(self.code(path), 'outside-root')

    def test_final_link(self):
        self.assertEqual(self.code('link-out'), ('root/link-out', 'link-out'))
        self.assertEqual(self.code('link-out', True), 'outside-root')
        self.assertEqual(self.code('link-file-out', True), 'outside-root')
        self.assertEqual(self.code('dir/link-back', True), ('root/file', 'file'))
        self.assertEqual(self.code('dangling', True), ('root/nothing', 'nothing'))
        self.assertEqual(self.code('absolute-in', True), ('root/dir', 'dir'))
        self.assertEqual(self.code('self', True), ('root', '.'))

    def test_loops(self):
        self.assertEqual(self.code('loop-a/x'), 'io')
        self.assertEqual(self.code('loop-a', True), 'io')
        self.assertEqual(self.code('loop-a'), ('root/loop-a', 'loop-a'))
        self.assertEqual(self.code('/'.join(['self'] * 40) + '/file'), ('root/file', 'file'))
        self.assertEqual(self.code('/'.join(['self'] * 41) + '/file'), 'io')

    def test_bad(self):
        self.assertEqual(self.code(''), 'bad-request')
        self.assertEqual(self.code('a\0b'), 'bad-name')
        self.assertEqual(self.code('missing/x'), 'no-directory')
        self.assertEqual(self.code('file/x'), 'not-a-directory')
        self.assertEqual(self.code('file/'), 'not-a-directory')
        self.assertEqual(self.code('n' * 300 + '/x'), 'name-too-long')

    def test_deep(self):
        self.assertEqual(self.code('dir/' + 'deep/../' * 2000 + 'new'), ('root/dir/new', 'new'))
        fd = os.open(self.inside, os.O_RDONLY)
        for _ in range(receiver.DEPTH_MAX + 10):
            os.mkdir(b'd', dir_fd=fd)
            fd, old = os.open(b'd', os.O_RDONLY, dir_fd=fd), fd
            os.close(old)
        os.close(fd)
        self.assertEqual(self.code('d/' * (receiver.DEPTH_MAX + 5) + 'x'), 'name-too-long')

    def test_directory_swapped_for_a_link_while_walking(self):
        """The directory is replaced between two steps, at every step: the
        walk either goes on in the old one or is refused."""
        real_open = os.open
        for step in range(12):
            work = self.path('root/work%d' % step)
            os.makedirs(work + '/a/b')
            count = [0]

            def swapping(path, flags, mode=0o777, dir_fd=None):
                if count[0] == step:
                    os.rename(work + '/a', work + '/old')
                    os.symlink(self.outside, work + '/a')
                count[0] += 1
                return real_open(path, flags, mode, dir_fd=dir_fd)

            bench = Bench(self.inside)
            os.open = swapping
            try:
                code = bench.put_code('work%d/a/b/../new' % step)
            finally:
                os.open = real_open
            bench.close()
            with self.subTest(step):
                self.assertIn(code, ('outside-root', 'done', 'no-directory'))
                self.assertEqual(sorted(os.listdir(self.outside)), ['link-to-root', 'secret'])

    def test_directory_moved_out_while_open(self):
        """'..' leads back to where the walk came from, not to the new parent."""
        os.makedirs(self.path('root/mover/sub'))
        walk_up = receiver.Walk._up

        def moving(walk):
            if os.path.isdir(self.path('root/mover/sub')):
                os.rename(self.path('root/mover/sub'), self.path('outside/sub'))
            walk_up(walk)

        receiver.Walk._up = moving
        try:
            self.assertEqual(self.code('mover/sub/../new'), ('root/mover/new', 'new'))
        finally:
            receiver.Walk._up = walk_up

    def test_every_verb_stays_inside(self):
        bench = Bench(self.inside)
        self.addCleanup(bench.close)
        for path in ('../outside/new', self.outside + '/new', 'link-out/new', 'link-up/new'):
            with self.subTest(path):
                self.assertEqual(bench.put_code(path), 'outside-root')
                for verb, more in (('stat', {}), ('mkdir', {}), ('symlink', {'target': 'x'}),
                                   ('attributes', {'mode': '777'})):
                    self.assertEqual(bench.code(verb, path=path, **more), 'outside-root', verb)
        self.assertEqual(bench.code('stat', path='link-file-out', hash='sha256'), 'outside-root')
        self.assertEqual(bench.code('attributes', path='link-file-out', mode='777'), 'outside-root')
        self.assertEqual(bench.put_code('link-file-out', conflict='overwrite'), 'is-symlink')
        self.assertEqual(bench.code('mkdir', path='link-out'), 'outside-root')
        self.assertEqual(sorted(os.listdir(self.outside)), ['link-to-root', 'secret'])
        with open(self.path('outside/secret')) as file:
            self.assertEqual(file.read(), 'content')


class SameDirectory(unittest.TestCase):
    """Many files of one directory: it is walked to once, and again as soon
    as anything about it is other than it was."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = os.path.realpath(folder.name)
        self.inside, self.outside = self.top + '/root', self.top + '/outside'
        os.makedirs(self.inside + '/a/b')
        os.mkdir(self.outside)
        self.bench = Bench(self.inside)
        self.addCleanup(self.bench.close)
        self.bench.send(1000, 'put', path='under-way')
        self.walks = 0
        run = receiver.Walk.run

        def counting(walk, follow):
            self.walks += 1
            return run(walk, follow)

        receiver.Walk.run = counting
        self.addCleanup(setattr, receiver.Walk, 'run', run)

    def walks_for(self, path, code='done'):
        before = self.walks
        self.assertEqual(self.bench.put_code(path), code)
        return self.walks - before

    def test_one_walk(self):
        for way in ('a/b', self.inside + '/a/b'):
            with self.subTest(way):
                self.assertEqual([self.walks_for('%s/%d%d' % (way, len(way), n)) for n in range(4)], [1, 0, 0, 0])

    def test_ways_that_are_not_kept(self):
        os.symlink('a', self.inside + '/link')
        for number, way in enumerate(('link/b', 'a/../a/b', 'a//b', './a/b')):
            with self.subTest(way):
                self.assertEqual([self.walks_for('%s/%d%d' % (way, number, n)) for n in range(2)], [1, 1])
        self.walks_for('a/b/f')
        for name, code in (('', 'is-directory'), ('.', 'is-directory'), ('..', 'is-directory'), ('\0', 'bad-name')):
            with self.subTest(name):
                self.bench.put_code('a/b/g', conflict='overwrite')
                self.assertEqual(self.bench.put_code('a/b/' + name), code)

    def test_moved_out_of_the_root(self):
        self.walks_for('a/b/f')
        os.rename(self.inside + '/a/b', self.outside + '/b')
        self.assertEqual(self.walks_for('a/b/g', 'no-directory'), 1)
        self.assertEqual(os.listdir(self.outside + '/b'), ['f'])

    def test_moved_out_with_a_link_in_its_place(self):
        """The path leads to the very directory that was found before."""
        for part in ('a/b', 'a'):
            with self.subTest(part):
                os.makedirs(self.inside + '/a/b', exist_ok=True)
                self.walks_for('a/b/f')
                there = self.outside + '/' + part.replace('/', '-')
                os.rename(self.inside + '/' + part, there)
                os.symlink(there, self.inside + '/' + part)
                self.assertEqual(self.walks_for('a/b/g', 'outside-root'), 1)
                os.unlink(self.inside + '/' + part)
        self.assertEqual(os.listdir(self.outside + '/a-b'), ['f'])
        self.assertEqual(os.listdir(self.outside + '/a/b'), ['f'])

    def test_root_moved_with_the_directory_left_under_its_name(self):
        self.walks_for(self.inside + '/a/b/f')
        os.rename(self.inside, self.top + '/elsewhere')
        os.makedirs(self.inside + '/a')
        os.rename(self.top + '/elsewhere/a/b', self.inside + '/a/b')
        self.assertEqual(self.walks_for(self.inside + '/a/b/g', 'outside-root'), 1)
        self.assertEqual(os.listdir(self.inside + '/a/b'), ['f'])

    def test_replaced_by_another(self):
        self.walks_for('a/b/f')
        os.rename(self.inside + '/a/b', self.inside + '/a/old')
        os.mkdir(self.inside + '/a/b')
        self.assertEqual(self.walks_for('a/b/g'), 1)
        self.assertEqual((os.listdir(self.inside + '/a/old'), os.listdir(self.inside + '/a/b')), (['f'], ['g']))

    def test_removed(self):
        self.walks_for('a/b/f')
        os.unlink(self.inside + '/a/b/f')
        os.rmdir(self.inside + '/a/b')
        self.assertEqual(self.walks_for('a/b/g', 'no-directory'), 1)

    def test_it_is_not_held_for_long(self):
        self.bench.requests.near.forget()
        before = len(os.listdir('/proc/self/fd'))
        self.walks_for('a/b/f')
        self.assertEqual(len(os.listdir('/proc/self/fd')), before + 1)
        self.bench.requests.near.until = 0.0
        self.assertEqual(self.walks_for('a/b/g'), 1, 'its time is over')
        self.assertEqual(len(os.listdir('/proc/self/fd')), before + 1)
        self.bench.send(1000, 'cancel')
        self.walks_for('a/b/h')
        self.assertEqual(len(os.listdir('/proc/self/fd')), before - 2, 'nothing is under way')


class Unconfined(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = os.path.realpath(folder.name)
        self.addCleanup(os.chdir, os.getcwd())
        os.makedirs(self.top + '/work/dir')
        os.symlink('dir', self.top + '/work/link')
        os.chdir(self.top + '/work')
        self.root = receiver.Root()
        self.addCleanup(os.close, self.root.fd)

    def locate(self, path, follow=False):
        with self.root.locate(os.fsencode(path), follow) as place:
            return os.fsdecode(place.path)

    def test_paths(self):
        for path, found in {'new': '/work/new', '../new': '/new', 'dir/../../new': '/new', 'link/new': '/work/dir/new',
                            '..': '', '../work/./link/..': '/work', 'link/': '/work/dir'}.items():
            with self.subTest(path):
                self.assertEqual(self.locate(path), self.top + found)
        self.assertEqual(self.locate('/tmp'), '/tmp')
        self.assertEqual(self.locate('/'), '/')
        self.assertEqual(self.locate('/..'), '/')
        self.assertEqual(self.locate('/../../tmp/new'), '/tmp/new')
        self.assertEqual(self.locate('../' * 60 + 'new'), '/new')

    def test_home(self):
        self.root.home = os.fsencode(self.top)
        self.assertEqual(self.locate('~/new'), self.top + '/new')
        self.assertEqual(self.locate('~'), self.top)
        self.assertEqual(self.locate('~nobody/x'.replace('/', '')), self.top + '/work/~nobodyx')

    def test_deep(self):
        os.makedirs('a' + '/a' * 500)
        self.assertEqual(self.locate('a/' * 501 + 'new'), self.top + '/work/' + 'a/' * 501 + 'new')


if __name__ == '__main__':
    unittest.main()
