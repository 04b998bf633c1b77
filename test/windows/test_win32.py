"""What the receiver does to files and ports of Windows, under Wine: names,
sharing, attributes, drives. The host's side looks at the same files from Linux."""

import os
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest

from pool import give_back, receiver
from wine import OnWine

from host import CONTROL, Lost, Receiver, text  # noqa: E402  (found once wine is imported)
from support import sha256


NO_MODE, NO_MTIME = 0xffff, (1 << 64) - 1


def record(name, content=b'', mtime=NO_MTIME, size=None):
    """Of a bundle."""
    name = name.encode()
    return struct.pack('>HHIQ', len(name), NO_MODE, len(content) if size is None else size, mtime) + name + content


class Case(OnWine, unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='case-', dir=self.prefix.drive_c)
        # what a test left undone may still be on its way out
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.windows = 'C:\\' + os.path.basename(self.folder)

    def start(self, *options, **more):
        process = Receiver(*options, **more)
        self.addCleanup(process.close)
        return process

    def connect(self, *options, **more):
        if options or more:
            return self.start(*options, **more).host().connect()
        process = receiver()
        self.addCleanup(give_back, process)
        return process.host().connect()

    def path(self, *names):
        return '\\'.join((self.windows,) + names)

    def on_linux(self, *names):
        return os.path.join(self.folder, *names)

    def make(self, name, content=b'old'):
        with open(self.on_linux(name), 'wb') as file:
            file.write(content)
        return self.path(name)

    def read(self, *names):
        with open(self.on_linux(*names), 'rb') as file:
            return file.read()

    def names(self):
        return sorted(os.listdir(self.folder))

    def code(self, answer):
        verb, fields = answer
        return fields['code'].decode() if verb == 'error' else verb

    def put_code(self, host, path, content=b'new', **fields):
        return self.code(host.put(path, content, **fields))

    def hold(self, path, share):
        """Another program that has the file open until it is let go."""
        process = subprocess.Popen(Receiver.command + ['--hold', path, share], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=dict(os.environ, **self.prefix.environment))
        self.addCleanup(self.let_go, process)
        self.assertEqual(process.stdout.readline().strip(), b'held')
        return process

    @staticmethod
    def let_go(process):
        if process.stdin.closed:
            return
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


class Files(Case):
    def test_contents(self):
        host = self.connect()
        for size in (0, 1, 65537, 1000000):
            content = os.urandom(size)
            verb, fields = host.put(self.path('f%d' % size), content)
            self.assertEqual((verb, fields), ('done', {'path': self.path('f%d' % size).encode(), 'size': b'%d' % size,
                                                      'sha256': sha256(content).encode()}))
            self.assertEqual(self.read('f%d' % size), content)

    def test_welcome(self):
        host = self.connect()
        self.assertEqual([host.welcome[key] for key in ('system', 'separator', 'device')], [b'windows', b'\\', b'uart'])

    def test_names_windows_does_not_take(self):
        host = self.connect()
        for name in ('a<b', 'a>b', 'a"b', 'a|b', 'a?b', 'a*b', 'f:stream', 'tab\there', 'dot.', 'space ', '...', 'CON',
                     'con.txt', 'AUX.tar.gz', 'NUL.txt', 'COM1', 'lpt9', 'CONIN$'):
            for path in (self.path(name), self.path(name, 'f')):
                with self.subTest(path):
                    self.assertEqual(self.put_code(host, path), 'bad-name')
                    self.assertEqual(self.code(host.request('mkdir', path=path)), 'bad-name')
                    self.assertEqual(self.names(), [])

    def test_awkward_names(self):
        host = self.connect()
        for name in ('with space', '%41', '100%', '%TEMP%', "it's", '\u00fc\u20ac', '\U0001f600', '.hidden', '-rf', 'a=b',
                     'com10', 'nulls', '~', '[x]', 'n' * 255, 'soft\u00adhyphen', 'dot.\u00ad', 'C\u200dON', '\u200d'):
            with self.subTest(name):
                self.assertEqual(self.put_code(host, self.path(name)), 'done')
                self.assertIn(name, self.names())

    def test_null_device(self):
        host = self.connect()
        for path in ('NUL', 'nul', self.path('NUL'), '\\\\.\\NUL'):
            verb, fields = host.put(path, os.urandom(100000))
            self.assertEqual((verb, fields.get('size')), ('done', b'100000'), fields)
        self.assertEqual(self.names(), [])

    def test_upper_and_lower_case_are_one_name(self):
        host = self.connect()
        self.make('ReadMe.txt')
        self.assertEqual(self.put_code(host, self.path('README.TXT'), conflict='fail'), 'exists')
        self.assertEqual(host.put(self.path('readme.txt'), b'new', conflict='skip')[1].get('skipped'), b'exists')
        self.assertEqual(host.put(self.path('readme.txt'), b'new', conflict='rename')[1]['path'],
                         self.path('readme (2).txt').encode())
        self.assertEqual(self.put_code(host, self.path('readme.TXT'), conflict='overwrite'), 'done')
        self.assertEqual({name.lower() for name in self.names()}, {'readme (2).txt', 'readme.txt'})
        self.assertEqual(len(self.names()), 2)
        self.assertEqual(self.put_code(host, self.windows.upper() + '\\f'), 'done')
        self.assertIn('f', self.names())

    def test_paths_of_more_than_260_characters(self):
        host = self.connect()
        names = []
        for depth in range(6):
            names.append('directory-%d-' % depth + 60 * 'x')
            self.assertEqual(self.code(host.request('mkdir', path=self.path(*names))), 'done')
        self.assertGreater(len(self.path(*names)), 400)
        for path in (self.path(*names, 'file'), '\\\\?\\' + self.path(*names, 'prefixed'), self.path(*names, 'n' * 200)):
            self.assertEqual(self.put_code(host, path, b'x'), 'done')
            self.assertEqual(self.put_code(host, path, b'other', conflict='overwrite'), 'done')
        found = host.request('stat', path=self.path(*names, 'file'), hash='sha256')[1]
        self.assertEqual(found['sha256'], sha256(b'other').encode())
        self.assertEqual(self.read(*names, 'file'), b'other')
        self.assertEqual(sorted(os.listdir(self.on_linux(*names))), ['file', 'n' * 200, 'prefixed'])

    def test_variables_at_the_beginning(self):
        host = self.connect(env={'GUESTWIRE_PLACE': self.windows})
        self.assertEqual(host.put('%GUESTWIRE_PLACE%\\f', b'x')[1]['path'], self.path('f').encode())
        self.assertEqual(self.put_code(host, '%guestwire_place%/g'), 'done')
        self.assertEqual(self.names(), ['f', 'g'])
        verb, fields = host.put('%TEMP%\\guestwire-test', b'x', conflict='overwrite')
        self.assertEqual(verb, 'done')
        self.assertRegex(fields['path'].decode(), r'(?i)^C:\\users\\.*\\Temp\\guestwire-test$')
        verb, fields = host.put('~\\guestwire-test', b'x', conflict='overwrite')
        self.assertRegex(fields['path'].decode(), r'(?i)^C:\\users\\[^\\]+\\guestwire-test$')
        self.assertEqual(host.put(self.path('%TEMP%'), b'x')[1]['path'], self.path('%TEMP%').encode())

    def test_time_of_change(self):
        host = self.connect()
        self.assertEqual(self.put_code(host, self.path('f'), mtime='1700000000.1234567'), 'done')
        self.assertEqual(os.stat(self.on_linux('f')).st_mtime_ns, 1700000000123456700)
        self.assertEqual(host.request('stat', path=self.path('f'))[1]['mtime'], b'1700000000.1234567')
        skipped = host.put(self.path('f'), b'new', mtime='1700000000.1234567', unchanged='skip')[1]['skipped']
        self.assertEqual(skipped, b'unchanged')
        self.assertEqual(self.put_code(host, self.path('g'), mtime='-1.5'), 'done')
        self.assertEqual(os.stat(self.on_linux('g')).st_mtime_ns, -1500000000)
        self.assertEqual(self.put_code(host, self.path('h'), mtime='-99999999999'), 'bad-request')
        self.assertEqual(self.names(), ['f', 'g'])

    def test_rights_of_what_is_replaced(self):
        """Shows only that the calls are right: Wine makes another mode of the list that it made of a mode."""
        host = self.connect()
        self.make('f')
        os.chmod(self.on_linux('f'), 0o600)
        verb, fields = host.put(self.path('f'), b'new', conflict='overwrite')
        self.assertEqual((verb, fields.get('notes'), self.read('f')), ('done', None, b'new'))
        self.assertEqual(os.stat(self.on_linux('f')).st_mode & 0o007, 0)
        os.link(self.on_linux('f'), self.on_linux('g'))
        self.assertEqual(host.put(self.path('f'), b'newer', conflict='overwrite')[1].get('notes'), b'links')
        self.assertEqual(self.read('g'), b'new')

    def test_places_that_do_not_exist(self):
        host = self.connect()
        self.make('file')
        for path, code in ((self.path('missing', 'f'), 'no-directory'), (self.path('missing', 'more', 'f'), 'no-directory'),
                           (self.path('file', 'f'), 'not-a-directory'), (self.path('file', 'more', 'f'), 'not-a-directory'),
                           ('Q:\\f', 'no-directory'), ('C:f', 'bad-name'), (self.windows, 'is-directory')):
            with self.subTest(path):
                self.assertEqual(self.put_code(host, path, conflict='overwrite'), code)
        self.assertEqual(self.names(), ['file'])

    def test_more_than_there_is_room_for(self):
        host = self.connect()
        stream = host.open('put', path=self.path('f'), size=1 << 60)
        verb, fields = host.answer(stream)
        self.assertEqual((self.code((verb, fields)), fields['errno']), ('no-space', b'ERROR_DISK_FULL'))
        self.assertEqual(self.names(), [])


class InUse(Case):
    def test_a_file_that_is_read_only(self):
        host = self.connect()
        path = self.make('f')
        os.chmod(self.on_linux('f'), 0o444)
        verb, fields = host.answer(host.open('put', path=path, size=3, conflict='overwrite'))
        self.assertEqual(self.code((verb, fields)), 'permission', 'before the data is sent')
        self.assertEqual((self.read('f'), self.names()), (b'old', ['f']))

    def test_a_file_another_program_has_open(self):
        host = self.connect()
        path = self.make('f')
        for share in ('None', 'Read', 'ReadWrite'):
            process = self.hold(path, share)
            answer = host.answer(host.open('put', path=path, size=3, conflict='overwrite'))
            self.assertEqual(self.code(answer), 'sharing', share)
            self.assertEqual((self.read('f'), self.names()), (b'old', ['f']))
            self.let_go(process)
        self.assertEqual(self.put_code(host, path, conflict='overwrite'), 'done')
        self.assertEqual(self.read('f'), b'new')

    def accepted(self, host, path):
        stream = host.open('put', path=path, size=3, conflict='overwrite')
        self.assertEqual(host.answer(stream)[0], 'accept')
        host.data(stream, b'new')
        return stream

    def test_a_file_that_is_opened_during_the_copy(self):
        host = self.connect()
        path = self.make('f')
        stream = self.accepted(host, path)
        process = self.hold(path, 'Read')
        host.commit(stream, b'new')
        self.assertEqual(self.code(host.answer(stream, 2)), 'sharing')
        self.assertEqual((self.read('f'), self.names()), (b'old', ['f']))
        self.let_go(process)

    def test_a_file_that_is_held_for_a_moment(self):
        """As a virus scanner does: tried again until it is let go."""
        host = self.connect()
        path = self.make('f')
        stream = self.accepted(host, path)
        process = self.hold(path, 'Read')
        host.commit(stream, b'new')
        with self.assertRaises(Lost, msg='it was replaced while it was held'):
            host.answer(stream, 2, timeout_s=0.5)
        self.let_go(process)
        self.assertEqual(self.code(host.answer(stream, 2)), 'done')
        self.assertEqual((self.read('f'), self.names()), (b'new', ['f']))

    def test_a_partial_file_of_a_receiver_that_lives_stays(self):
        first, second = self.start(), self.start()
        host = first.host().connect()
        host.answer(host.open('put', path=self.path('f')))
        name, = self.names()
        other = second.host().connect()
        self.assertEqual(self.put_code(other, self.path('g')), 'done')
        self.assertEqual(self.names(), sorted([name, 'g']))
        first.process.kill()
        first.process.wait()
        self.assertEqual(self.names(), sorted([name, 'g']), 'it could not clear up')
        third = self.connect()
        self.assertEqual(self.put_code(third, self.path('h')), 'done')
        self.assertEqual(self.names(), ['g', 'h'])


class Bundles(Case):
    """What Windows would not take, or not as it was meant, is left to the host."""

    def ask(self, host, *records, verb='bundle', **fields):
        whole = b''.join(records)
        stream = host.open(verb, path=self.windows, size=len(whole), **fields)
        host.data(stream, whole)
        host.commit(stream, whole)
        verb, fields = host.answer(stream, 2)
        self.assertEqual(verb, 'done', fields)
        return fields

    def left(self, host, *records, **fields):
        return self.ask(host, *records, **fields).get('left', b'').decode()

    def test_names_windows_does_not_take(self):
        host = self.connect()
        names = ['a<b', 'a|b', 'a?b', 'f:stream', 'tab\there', 'dot.', 'space ', '...', 'CON', 'con.txt', 'NUL', 'nul.txt',
                 'COM1', 'a\\b', 'c:', 'n' * 256]
        records = [record(name + '/f', b'x') for name in names] + [record(name, b'x') for name in names]
        records += [record(name + '/', mtime=NO_MTIME) for name in names]
        self.assertEqual(self.left(host, *records, record('f', b'x')), '0-%d' % (len(records) - 1))
        self.assertEqual(self.names(), ['f'])
        awkward = ['with space', '%41', '%TEMP%', '~', '\u00fc\u20ac', '\U0001f600', '.hidden', 'com10', 'n' * 255]
        self.assertEqual(self.left(host, *[record(name, name.encode()) for name in awkward]), '')
        for name in awkward:
            self.assertEqual(self.read(name), name.encode())

    def test_upper_and_lower_case_are_one_name(self):
        host = self.connect()
        self.make('there')
        records = [record(name, name.encode()) for name in ('ReadMe', 'README', 'other', 'THERE', 'D/x', 'd/X', 'd/y')]
        records += [record(name, mtime=NO_MTIME) for name in ('D/', 'd/')]
        self.assertEqual(self.left(host, *records), '1,3,5')
        self.assertEqual((self.names(), self.read('ReadMe'), self.read('there')),
                         (['D', 'ReadMe', 'other', 'there'], b'ReadMe', b'old'))
        self.assertEqual(sorted(os.listdir(self.on_linux('D'))), ['x', 'y'])
        two = [record('THERE', b'1'), record('there', b'2')]
        self.assertEqual(self.left(host, *two, conflict='overwrite'), '1', 'the second would have replaced the first')
        self.assertEqual(self.read([name for name in self.names() if name.lower() == 'there'][0]), b'1')

    def test_times_and_what_is_unchanged(self):
        host = self.connect()
        time = 1700000000123456700
        self.assertEqual(self.left(host, record('d/', mtime=NO_MTIME), record('d/f', b'x', mtime=time),
                                   record('g', b'x', mtime=NO_MTIME), record('h', b'x', mtime=1 << 63),
                                   record('d/', mtime=time), record('g/', mtime=time)), '3,5')
        for name in ('d', 'd/f'):
            self.assertEqual(os.stat(self.on_linux(name)).st_mtime_ns, time)
        fields = self.ask(host, *[record(name, mtime=mtime, size=1) for name, mtime in (
            ('d/f', time + 99), ('d/f', time + 1000), ('g', time), ('d', time), ('h', time), ('none/f', time),
            ('g/f', time), ('D/F', time))], verb='compare')
        self.assertEqual((fields['unchanged'], fields['absent']), (b'0,7', b'4-5'))

    def test_files_that_cannot_be_replaced(self):
        host = self.connect()
        os.mkdir(self.on_linux('directory'))
        for name in ('free', 'read-only', 'in use'):
            self.make(name)
        os.chmod(self.on_linux('read-only'), 0o444)
        process = self.hold(self.path('in use'), 'None')
        records = [record(name, b'new') for name in ('free', 'read-only', 'in use', 'directory', 'new')]
        self.assertEqual(self.left(host, *records[:-1]), '0-3', 'what exists')
        self.assertEqual(self.left(host, *records, conflict='overwrite'), '1-3')
        self.let_go(process)
        self.assertEqual([self.read(name) for name in ('free', 'read-only', 'in use', 'new')],
                         [b'new', b'old', b'old', b'new'])
        self.assertEqual(self.names(), ['directory', 'free', 'in use', 'new', 'read-only'])

    def test_it_stays_below_its_directory(self):
        os.makedirs(self.on_linux('root', 'in'))
        os.makedirs(self.on_linux('out'))
        os.symlink(self.on_linux('out'), self.on_linux('root', 'link'))
        self.windows += '\\root'
        host = self.connect('-Root', self.windows)
        names = ['..\\f', '../out/f', 'link/f', 'in/../../out/f', 'in/..\\f', '/f', 'C:/f']
        self.assertEqual(self.left(host, *[record(name, b'x') for name in names], record('in/f', b'x')), '0-6')
        self.assertEqual((os.listdir(self.on_linux('out')), os.listdir(self.on_linux('root', 'in'))), ([], ['f']))


class Confined(Case):
    def test_root(self):
        os.makedirs(self.on_linux('root', 'in'))
        os.makedirs(self.on_linux('rootling'))
        os.symlink(self.on_linux('rootling'), self.on_linux('root', 'out'))
        os.symlink(self.on_linux('root', 'in'), self.on_linux('root', 'back'))
        host = self.connect('-Root', self.path('root'))
        for path in ('f', 'in\\f', 'in/../g', self.path('root', 'h'), '\\\\?\\' + self.path('root', 'i'),
                     self.path('root').upper() + '\\j', 'back\\k', self.path('rootling', '..', 'root', 'l')):
            with self.subTest(path):
                self.assertEqual(self.put_code(host, path), 'done')
        for path in ('..\\f', '\\f', 'in\\..\\..\\f', self.path('f'), self.path('rootling', 'f'), 'Z:\\tmp\\f', 'out\\f',
                     'NUL', '\\\\server\\share\\f', '%TEMP%\\f', '~\\f', self.path('missing', 'f')):
            with self.subTest(path):
                self.assertEqual(self.put_code(host, path), 'outside-root')
        self.assertEqual(os.listdir(self.on_linux('rootling')), [])
        self.assertEqual(self.names(), ['root', 'rootling'])

    def test_a_root_that_is_none(self):
        self.make('file')
        for root in ('missing', 'file'):
            process = Receiver('-Root', self.path(root), wait=False)
            self.addCleanup(process.close)
            self.assertEqual(process.process.wait(60), 2)
            self.assertIn(b'-Root', process.read_log())

    def test_a_held_directory_keeps_its_name(self):
        """What was checked stays true while a file is on its way."""
        os.makedirs(self.on_linux('root', 'in'))
        host = self.connect('-Root', self.path('root'))
        stream = host.open('put', path='in\\f', size=3)
        host.answer(stream)
        self.rename(self.path('root', 'in'), 'other')
        self.assertEqual(os.listdir(self.on_linux('root')), ['in'])
        host.send(CONTROL, stream, text('cancel'), ask=True)
        self.assertEqual(self.code(host.answer(stream, 2)), 'cancelled')
        self.rename(self.path('root', 'in'), 'other')
        self.assertEqual(os.listdir(self.on_linux('root')), ['other'])

    def rename(self, path, name):
        subprocess.run([Receiver.command[0], 'cmd', '/c', 'ren', path, name], timeout=60, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, **self.prefix.environment))


class Ports(Case):
    def test_no_such_port(self):
        process = Receiver(ports=['COM200'], wait=False)
        self.addCleanup(process.close)
        self.assertEqual(process.process.wait(60), 1)
        self.assertIn(b'COM200 cannot be served', process.read_log())

    def test_ctrl_c(self):
        process = self.start()
        host = process.host().connect()
        host.answer(host.open('put', path=self.path('unfinished')))
        self.assertEqual(process.stop(signal.SIGINT), 0)
        host.read()
        self.assertIn((host.session, {'code': b'bye'}), host.resets)
        self.assertEqual(self.names(), [])

    def test_two_ports(self):
        process = self.start(lines=2)
        for line in (0, 1):
            self.assertEqual(self.put_code(process.host(line).connect(), self.path('f%d' % line)), 'done')


if __name__ == '__main__':
    unittest.main()
