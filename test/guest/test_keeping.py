"""What a file has besides its bytes, and the notes on what it could not have."""

import os
import stat
import struct
import subprocess
import unittest
import unittest.mock

import refusing
import test_process
from host import COPY
from support import sha256
from test_bundles import NO_MTIME, TIME, record
from test_requests import ROOT_USER, Bench, Case  # noqa: F401  (the tests of receiver.ps1 put another in its place)

unless_supported = unittest.skipUnless(refusing.SUPPORTED, 'NOT LINUX ON X86-64: the kernel cannot be told what to refuse')


USER = 1000
ACL, DEFAULT_ACL = 'system.posix_acl_access', 'system.posix_acl_default'
as_root = unittest.skipUnless(ROOT_USER, 'NOT ROOT: no file can be given away')


def acl(user_bits, group_bits=4, mask=7):
    """user::rw-, user:65534 and group as told, mask, other::---, as the kernel packs it."""
    entries = ((1, 6, 0xffffffff), (2, user_bits, 65534), (4, group_bits, 0xffffffff), (0x10, mask, 0xffffffff),
               (0x20, 0, 0xffffffff))
    return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)


class Replaced:
    """What the tests of replaced files do."""

    def make_own(self, name='f', mode=0o640, owner=USER, **xattrs):
        path = self.path(name)
        with open(path, 'wb') as file:
            file.write(b'old')
        if owner is not None:
            os.chown(path, owner, owner)
        os.chmod(path, mode)
        for key, value in xattrs.items():
            os.setxattr(path, key.replace('__', '.'), value)
        return path

    def state(self, name='f'):
        found = os.stat(self.path(name))
        return found.st_uid, found.st_gid, '%o' % stat.S_IMODE(found.st_mode)


class Replacing(Replaced, Case):
    def replace(self, name='f', mode='644', **more):
        """The notes."""
        more.setdefault('conflict', 'overwrite')
        verb, fields = self.bench.put(self.path(name), b'new', mode=mode, mtime='1700000000', **more)
        self.assertEqual(verb, 'done', fields)
        self.assertEqual(self.read(name), b'new')
        self.assertEqual(os.stat(self.path(name)).st_mtime, 1700000000)
        return fields.get('notes', b'').decode()

    @as_root
    def test_owner_and_mode(self):
        for mode, source, wanted in ((0o600, '644', '600'), (0o640, '755', '751'), (0o755, '644', '755'),
                                     (0o4750, '644', '4750'), (0o444, '400', '444'), (0, '777', '111')):
            for conflict in ('overwrite', 'newer'):
                self.make_own(mode=mode)
                os.utime(self.path('f'), (5, 5))
                self.assertEqual(self.replace(mode=source, conflict=conflict), '')
                self.assertEqual(self.state(), (USER, USER, wanted))

    def test_without_a_mode(self):
        self.make_own(owner=None, mode=0o604)
        verb, fields = self.bench.put(self.path('f'), b'new', conflict='overwrite')
        self.assertEqual((verb, fields.get('notes'), self.state()[2]), ('done', None, '604'))

    def test_extended_attributes(self):
        self.make_own(owner=None, user__note=b'\0kept', user__empty=b'')
        self.assertEqual(self.replace(), '')
        self.assertEqual({name: os.getxattr(self.path('f'), name) for name in os.listxattr(self.path('f'))
                          if name.startswith('user.')}, {'user.note': b'\0kept', 'user.empty': b''})

    def test_capabilities_of_the_old_program(self):
        self.make_own(owner=None)
        os.setxattr(self.path('f'), 'security.capability', bytes.fromhex('0100000200200000' + '00' * 12))
        self.assertEqual(self.replace(), '')
        self.assertNotIn('security.capability', os.listxattr(self.path('f')))

    def test_access_control_list(self):
        self.make_own(owner=None)
        os.setxattr(self.path('f'), ACL, acl(6))
        self.assertEqual(self.replace(), '')
        self.assertEqual(os.getxattr(self.path('f'), ACL), acl(6))
        self.assertEqual(self.state()[2], '670')

    def test_no_list_is_inherited_by_what_had_none(self):
        os.setxattr(self.folder, DEFAULT_ACL, acl(7))
        self.make_own(owner=None)
        os.removexattr(self.path('f'), ACL)
        os.chmod(self.path('f'), 0o640)
        self.assertEqual(self.replace(), '')
        self.assertNotIn(ACL, os.listxattr(self.path('f')))
        self.assertEqual(self.state()[2], '640')

    def test_other_hard_links(self):
        self.make_own(owner=None)
        os.link(self.path('f'), self.path('g'))
        self.assertEqual(self.replace(), 'links')
        self.assertEqual(self.read('g'), b'old')
        self.assertEqual(self.replace(), '')

    @as_root
    def test_bundle(self):
        self.make_own(mode=0o600)
        self.make_own('g', mode=0o644)
        whole = record(b'f', b'new', 0o755) + record(b'new', b'x', 0o755) + record(b'g', b'new', 0o600)
        self.bench.send(7, 'bundle', path=self.folder, size=len(whole), conflict='overwrite')
        self.bench.data(7, whole)
        verb, fields = self.bench.send(7, 'commit', size=len(whole), sha256=sha256(whole))[-1][1:]
        self.assertEqual((verb, [key for key in fields if key.startswith(('note', 'left'))]), ('done', []))
        self.assertEqual((self.state(), self.state('g')), ((USER, USER, '711'), (USER, USER, '644')))
        self.assertEqual(self.state('new'), (0, 0, '755'))

    @as_root
    def test_a_new_file_in_a_folder_of_another_user(self):
        os.chown(self.folder, USER, USER)
        self.assertEqual(self.bench.put(self.path('new'), b'x', mode='644')[1].get('notes'), b'owner')
        self.assertEqual(self.bench.ask('mkdir', path=self.path('d'), mode='755')[1].get('notes'), b'owner')
        self.assertNotIn('notes', self.bench.put(self.path('d/new'), b'x', mode='644')[1])
        whole = record(b'e/', mtime=NO_MTIME) + record(b'e/f', b'x') + record(b'f', b'x') + record(b'new', b'y')
        self.bench.send(7, 'bundle', path=self.folder, size=len(whole), conflict='overwrite')
        self.bench.data(7, whole)
        fields = self.bench.send(7, 'commit', size=len(whole), sha256=sha256(whole))[-1][2]
        self.assertEqual((fields.get('note-owner'), fields.get('left')), (b'0,2', None))
        os.chmod(self.folder, 0o1777)
        self.assertNotIn('notes', self.bench.put(self.path('newer'), b'x', mode='644')[1])

    @as_root
    def test_a_name_made_in_the_meantime(self):
        self.bench.send(9, 'put', path=self.path('f'), conflict='overwrite', mode='644')
        self.bench.data(9, b'new')
        self.make_own(mode=0o600)
        self.assertEqual(self.bench.send(9, 'commit', size=3, sha256=sha256(b'new'))[0][1], 'done')
        self.assertEqual(self.state(), (USER, USER, '600'))


def mounted(case, *arguments):
    if subprocess.run(['mount'] + list(arguments), stderr=subprocess.PIPE).returncode:
        case.skipTest('NOTHING CAN BE MOUNTED HERE')
    case.addCleanup(subprocess.run, ['umount', arguments[-1]], check=True)


class InPlace(Replaced, Case):
    """Where a file can be written but not replaced."""

    def overwrite(self, path, content=b'new', **more):
        inode = os.stat(path).st_ino
        verb, fields = self.bench.put(path, content, conflict='overwrite', mode='755', mtime='5', **more)
        self.assertEqual((verb, fields.get('notes')), ('done', b'in-place'), fields)
        with open(path, 'rb') as file:
            self.assertEqual(file.read(), content)
        found = os.stat(path)
        self.assertEqual((found.st_ino, found.st_mtime), (inode, 5))
        self.assertNothingLeft(os.path.dirname(path))

    def test_bind_mount(self):
        self.make('source')
        self.make_own('f')
        mounted(self, '--bind', self.path('source'), self.path('f'))
        os.chmod(self.path('f'), 0o604)
        for content in (b'new', b'n', b'', os.urandom(500000), b'shorter'):
            self.overwrite(self.path('f'), content)
            self.assertEqual(self.state()[2], '715')
            self.assertEqual(self.read('source'), content)
        self.overwrite(self.path('f'), os.urandom(500000), resume='1')

    def test_other_policies_leave_it_alone(self):
        self.make('source')
        self.make_own('f')
        mounted(self, '--bind', self.path('source'), self.path('f'))
        self.assertEqual(self.bench.put_code(self.path('f')), 'exists')
        self.assertEqual(self.read('f'), b'old')

    def test_a_folder_that_takes_no_file(self):
        os.mkdir(self.path('d'))
        self.make_own('d/f')
        if subprocess.run(['chattr', '+i', self.path('d')], stderr=subprocess.PIPE).returncode:
            self.skipTest('NO FILE CAN BE MADE IMMUTABLE HERE')
        self.addCleanup(subprocess.run, ['chattr', '-i', self.path('d')], check=True)
        self.overwrite(self.path('d/f'), os.urandom(300000))
        self.overwrite(self.path('d/f'), os.urandom(300000), resume='1')
        self.assertEqual(self.bench.put_code(self.path('d/new')), 'permission')

    def test_a_file_in_a_read_only_file_system(self):
        where = self.mount('size=1m')
        self.make('source')
        with open(where + '/f', 'w') as file:
            file.write('old')
        subprocess.run(['mount', '-o', 'remount,ro', where], check=True)
        self.assertEqual(self.bench.put_code(where + '/f', conflict='overwrite'), 'read-only-filesystem')
        mounted(self, '--bind', self.path('source'), where + '/f')
        self.overwrite(where + '/f')

    def test_no_room(self):
        where = self.mount('size=200k')
        with open(where + '/source', 'wb') as file:
            file.write(b'old')
        self.make('f')
        mounted(self, '--bind', where + '/source', self.path('f'))
        self.assertEqual(self.bench.put_code(self.path('f'), bytes(300000), conflict='overwrite'), 'no-space')
        self.assertEqual(self.read('f'), b'old', 'nothing of it is lost')

    def test_a_hard_link(self):
        self.make('source')
        os.link(self.path('source'), self.path('other'))
        self.make_own('f')
        mounted(self, '--bind', self.path('source'), self.path('f'))
        self.overwrite(self.path('f'))
        self.assertEqual(self.read('other'), b'new')


class Stopped(Replaced, test_process.Case):
    def test_what_has_begun_is_finished(self):
        size = 96 << 20
        with open(self.path('source'), 'wb') as file:
            file.truncate(size)
        self.make_own('f')
        mounted(self, '--bind', self.path('source'), self.path('f'))
        process = self.start()
        host = process.host().connect()
        content = b'new' + bytes(size)
        stream = host.open('put', path=self.path('f'), size=len(content), conflict='overwrite', basis='1')
        self.assertEqual(host.answer(stream)[1].get('basis'), b'%d' % size)
        host.data(stream, b'new')
        host.send(COPY, stream, struct.pack('>QQI', 3, 0, size))
        host.commit(stream, content)
        self.until(lambda: self.begins() == b'new', 'begun', 60)
        self.assertEqual(process.stop(), 0)
        self.assertEqual(os.path.getsize(self.path('f')), len(content))
        self.assertEqual(self.begins(), b'new')
        self.assertEqual(self.names(), ['f', 'source'])

    def begins(self):
        with open(self.path('f'), 'rb') as file:
            return file.read(3)


class Identical(Replaced, Case):
    def test_execute_bits_are_added(self):
        for mode, wanted in ((0o640, '751'), (0o4640, '4751'), (0o755, '755')):
            self.make_own(owner=None, mode=mode)
            answer = self.bench.ask('attributes', path=self.path('f'), execute='777', mtime='5')
            self.assertEqual((answer, self.state()[2], os.stat(self.path('f')).st_mtime), (('done', {}), wanted, 5))
        os.mkdir(self.path('d'), 0o700)
        self.assertEqual(self.bench.ask('attributes', path=self.path('d'), execute='111'), ('done', {}))
        self.assertEqual(self.state('d')[2], '700')
        self.assertEqual(self.bench.code('attributes', path=self.path('f'), execute='x'), 'bad-request')

    def test_an_unchanged_file_tells_its_mode(self):
        self.make_own(owner=None, mode=0o640)
        os.utime(self.path('f'), (5, 5))
        fields = self.bench.put(self.path('f'), b'old', mode='755', mtime='5', unchanged='skip')[1]
        self.assertEqual((fields['skipped'], fields.get('mode')), (b'unchanged', b'640'))
        self.assertEqual(self.state()[2], '640')


class Order(Replaced, Case):
    """Looks into receiver.py."""

    @as_root
    def test_at_no_time_more_may_read_it(self):
        states = []

        def noted(name):
            real = getattr(os, name)

            def call(fd, *arguments, **more):
                result = real(fd, *arguments, **more)
                found = os.stat(fd)
                states.append((found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode) & 0o077))
                return result
            return unittest.mock.patch.object(os, name, call)
        self.make_own(mode=0o664, user__note=b'x')
        os.setxattr(self.path('f'), ACL, acl(6, 4, 6))
        with noted('fchmod'), noted('fchown'), noted('setxattr'):
            self.bench.put(self.path('f'), b'new', mode='755', conflict='overwrite')
        self.assertEqual(self.state(), (USER, USER, '771'))
        self.assertGreater(len(states), 3)
        for user, group, bits in states:
            if bits:
                self.assertEqual((user, group), (USER, USER), states)


class Immutable(Case):
    """The one thing whose attributes are refused to root, too."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path('d'))
        if subprocess.run(['chattr', '+i', self.path('d')], stderr=subprocess.PIPE).returncode:
            self.skipTest('NO FILE CAN BE MADE IMMUTABLE HERE')
        self.addCleanup(subprocess.run, ['chattr', '-i', self.path('d')], check=True)

    def test_attributes(self):
        where = {'path': self.path('d')}
        self.assertEqual(self.bench.code('attributes', mode='700', **where), 'permission')
        self.assertEqual(self.bench.code('attributes', mtime='5', **where), 'permission')
        answer = self.bench.ask('attributes', mode='700', mtime='5', refused='note', **where)
        self.assertEqual(answer, ('done', {'notes': b'mode,times'}))
        self.assertEqual(self.bench.code('attributes', mode='700', refused='maybe', **where), 'unsupported')
        self.assertEqual(self.bench.code('attributes', path=self.path('none'), mode='700', refused='note'), 'not-found')


@unless_supported
class Refused(Replaced, test_process.Case):
    """A file system that takes the bytes and nothing else."""

    def host_with(self, *kinds):
        return self.start(wrapper=refusing.wrapper(*kinds)).host().connect()

    def bundle(self, host, *records):
        whole = b''.join(records)
        stream = host.open('bundle', path=self.folder, size=len(whole), conflict='overwrite')
        self.assertEqual(host.answer(stream)[0], 'accept')
        host.data(stream, whole)
        host.commit(stream, whole)
        return host.answer(stream, 2)

    def test_put(self):
        for kinds, notes in ((('mode',), b'mode'), (('times',), b'times'), (('mode', 'times'), b'mode,times')):
            host = self.host_with(*kinds)
            verb, fields = host.put(self.path('-'.join(kinds)), b'content', mode='644', mtime='5')
            self.assertEqual((verb, fields.get('notes'), fields.get('sha256')), ('done', notes, sha256(b'content').encode()))
            self.assertEqual(self.read('-'.join(kinds)), b'content')

    def test_no_note_without_a_difference(self):
        host = self.host_with('mode', 'times')
        self.assertNotIn('notes', host.put(self.path('f'), b'content', mode='600')[1])

    def test_a_partial_file_is_kept_and_resumed(self):
        content = os.urandom(300000)
        host = self.host_with('mode')
        stream = host.open('put', path=self.path('f'), size=len(content), resume='1', mode='640')
        self.assertEqual(host.answer(stream)[0], 'accept')
        host.data(stream, content[:100000])
        host.request('stat', path='/')
        host.connect()
        stream = host.open('put', path=self.path('f'), size=len(content), resume='1', mode='640')
        self.assertEqual(host.answer(stream)[1].get('partial'), b'100000')
        host.data(stream, content[100000:], 100000)
        host.commit(stream, content)
        self.assertEqual(host.answer(stream, 2)[1].get('notes'), b'mode')
        self.assertEqual(self.read('f'), content)

    def replace(self, *refused):
        self.make_own(mode=0o4654, user__note=b'x')
        host = self.host_with(*refused)
        verb, fields = host.put(self.path('f'), b'new', mode='644', conflict='overwrite')
        self.assertEqual(verb, 'done', fields)
        self.assertEqual(self.read('f'), b'new')
        return fields.get('notes'), self.state()

    @as_root
    def test_an_owner_that_cannot_be_kept_is_kept_in_place(self):
        self.make_own(mode=0o664)
        os.link(self.path('f'), self.path('g'))
        host = self.host_with('owner')
        fields = host.put(self.path('f'), b'new', mode='755', conflict='overwrite')[1]
        self.assertEqual((fields.get('notes'), self.state()), (b'in-place', (USER, USER, '775')))
        self.assertEqual((self.read('g'), self.names()), (b'new', ['f', 'g']))

    @as_root
    def test_a_group_that_cannot_be_kept_may_do_no_more_than_others(self):
        self.assertEqual(self.replace('owner', 'access'), (b'owner,mode', (0, 0, '644')))

    @as_root
    def test_attributes_that_cannot_be_kept(self):
        self.assertEqual(self.replace('xattr'), (b'xattr', (USER, USER, '4654')))

    @as_root
    def test_a_list_that_cannot_be_kept(self):
        self.make_own('f', mode=0o640)
        os.setxattr(self.path('f'), ACL, acl(6, 0, 6))
        host = self.host_with('xattr')
        fields = host.put(self.path('f'), b'new', mode='644', conflict='overwrite')[1]
        self.assertEqual((fields.get('notes'), self.state()), (b'acl,mode', (USER, USER, '600')))

    def test_directories(self):
        host = self.host_with('mode', 'times')
        verb, fields = host.request('mkdir', path=self.path('d'), mode='1700')
        self.assertEqual((verb, fields.get('notes')), ('done', b'mode'))
        self.assertEqual(host.request('mkdir', path=self.path('d'), mode='1700')[1].get('existed'), b'1')

    def test_bundle(self):
        with open(self.path('old'), 'wb') as file:
            file.write(b'old')
        host = self.host_with('mode', 'times')
        verb, fields = self.bundle(
            host, record(b'd/', mode=0o1777, mtime=NO_MTIME), record(b'd/a', b'x', 0o666),
            record(b'd/b', b'y', 0o600, NO_MTIME), record(b'old', b'new', 0o755), record(b'd/', b'', 0o1711, TIME))
        self.assertEqual((verb, fields.get('left')), ('done', None))
        self.assertEqual((fields.get('note-mode'), fields.get('note-times')), (b'0-1,3-4', b'1,3-4'))
        self.assertEqual((self.read('d/a'), self.read('d/b'), self.read('old')), (b'x', b'y', b'new'))


if __name__ == '__main__':
    unittest.main()
