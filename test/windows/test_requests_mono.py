"""The requests tests of receiver.py, over a pty, with the engine of
receiver.ps1 under Mono. Leaves out tests that look into receiver.py itself."""

import os
import stat
import unittest

from remote import OnRemote

import test_paths
import test_requests


class Requests(OnRemote):
    module = test_requests


class Put(Requests, test_requests.Put):
    test_cancel_while_committing = None         # holds the worker
    test_descriptors_are_given_back = None      # counts its own; here Fuzz does
    # hold the worker, and look at what receiver.py calls
    test_small_files_are_flushed_together = test_small_files_fail_one_by_one = None
    test_a_directory_that_cannot_be_flushed = None

    def test_mode_and_mtime(self):
        for mode, wanted in (('640', 0o640), ('777', 0o777), ('0', 0), ('4755', 0o755), ('1777', 0o777)):
            self.bench.put(self.path('f' + mode), b'x', mode=mode, mtime='1700000000.123456789')
            found = os.stat(self.path('f' + mode))
            self.assertEqual((stat.S_IMODE(found.st_mode), found.st_mtime_ns), (wanted, 1700000000123456789))

    def test_awkward_names(self):
        for name in ('with space', 'new\nline', '-rf', '*', '%41', 'a=b', '\u00fc\u20ac', '\U0001f600', '\x01\x7f',
                     '"quoted"', 'n' * 255, '.hidden', '...', '~'):
            self.assertEqual(self.bench.put_code((self.folder + '/' + name).encode()), 'done', name)
            self.assertIn(name, os.listdir(self.folder))
        self.assertEqual(self.bench.put_code(os.fsencode(self.folder) + b'/\xff\xfe'), 'bad-name', 'no UTF-8')


class Conflicts(Requests, test_requests.Conflicts):
    test_file_system_without_hard_links = None  # replaces os.link


class Destinations(Requests, test_requests.Destinations):
    test_device_that_takes_nothing = None       # shortens a time-out


class Refusals(Requests, test_requests.Refusals):
    test_permission = test_unreadable_own_files = test_file_size_limit = None   # change the process they run in
    test_every_errno_has_a_known_code = None


class Mounts(Requests, test_requests.Mounts):
    test_out_of_inodes = None                   # the file systems of Windows have none


class Stat(Requests, test_requests.Stat):
    test_time_text = None


class Others(Requests, test_requests.Others):
    pass


class Orphans(Requests, test_requests.Orphans):
    pass


class Root(OnRemote, unittest.TestCase):
    """Of the walker's tests those that ask by requests."""

    module = test_paths
    setUp, path = test_paths.Confined.setUp, test_paths.Confined.path
    test_every_verb_stays_inside = test_paths.Confined.test_every_verb_stays_inside

    def code(self, bench, path, follow):
        verb, fields = bench.ask('stat', path=path, follow='1' if follow else '0')
        return fields['code'].decode() if verb == 'error' else fields['path'].decode()[len(self.top) + 1:]

    def test_inside(self):
        bench = test_paths.Bench(self.inside)
        self.addCleanup(bench.close)
        for path, found in {
                'file': 'root/file', './file': 'root/file', 'dir//deep': 'root/dir/deep', 'dir/../file': 'root/file',
                'new': 'root/new', 'dir/': 'root/dir', '.': 'root', 'dir/deep/..': 'root/dir', 'link-in/new': 'root/dir/new',
                'absolute-in/new': 'root/dir/new', 'self/self/self/file': 'root/file', '-rf': 'root/-rf',
                self.inside + '/file': 'root/file', self.inside: 'root', self.inside + '/': 'root',
                self.outside + '/link-to-root/file': 'root/file', 'link-out': 'root/link-out'}.items():
            with self.subTest(path):
                self.assertEqual(self.code(bench, path, False), found)

    def test_outside(self):
        bench = test_paths.Bench(self.inside)
        self.addCleanup(bench.close)
        for path in ('..', '../', '../outside/new', 'dir/../../outside/secret', '/', '/etc/passwd', '/nowhere',
                     '/etc/passwd/x', self.outside, self.outside + '/secret', self.path('rootling/x'), self.path('rootling'),
                     'link-out/new', 'link-out/missing/x', 'link-up/outside/new', 'link-in/../../outside/x',
                     'dangling-out/x', 'self/../../outside/x', 'dir/zigzag/../../outside/x', '~/x', '/proc/self/root/etc/x',
                     '/dev/null'):
            with self.subTest(path):
                self.assertEqual(self.code(bench, path, False), 'outside-root')
        for path in ('link-out', 'link-file-out'):
            self.assertEqual(self.code(bench, path, True), 'outside-root')


if __name__ == '__main__':
    unittest.main()
