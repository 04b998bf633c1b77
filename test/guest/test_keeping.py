"""What a file has besides its bytes, and the notes on what it could not have."""

import os
import subprocess
import unittest

import refusing
import test_process
from support import sha256
from test_bundles import NO_MTIME, TIME, record
from test_requests import Bench, Case  # noqa: F401  (the tests of receiver.ps1 put another in its place)

unless_supported = unittest.skipUnless(refusing.SUPPORTED, 'NOT LINUX ON X86-64: the kernel cannot be told what to refuse')


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
class Refused(test_process.Case):
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
