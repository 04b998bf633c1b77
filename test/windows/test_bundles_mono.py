"""Section 6's bundles, over a pty, with the engine of receiver.ps1 under Mono.
Leaves out tests that look into receiver.py itself."""

import os
import unittest

from remote import OnRemote
from windows import OnMono

import test_bundles  # noqa: E402  (found once windows is imported)
from host import CONTROL, text
from support import receiver
from test_bundles import record


class Bundles(OnRemote):
    module = test_bundles


class Vectors(Bundles, test_bundles.Vectors):
    pass


class Requests(Bundles, test_bundles.Requests):
    pass


class Writing(Bundles, test_bundles.Writing):
    # replace what receiver.py calls
    test_order = test_without_proc = test_one_that_fails = test_a_defect_is_told = None
    test_a_directory_that_cannot_be_flushed = None
    test_permission = None                      # changes the process it runs in
    # hold the worker
    test_cancel_between_two_files = test_the_end_of_the_session = test_one_bundle_at_a_time = None
    test_directories_are_there_for_the_next_request = None

    def test_names_that_are_no_utf_8(self):
        self.assertEqual(self.left(record(b'\xff', b'x'), record(b'd\xff/', mtime=test_bundles.NO_MTIME),
                                   record(b'a?', b'x')), '0-1')
        self.assertEqual(self.names(), ['a?'])


class Process(OnMono, test_bundles.Process):
    def test_cancel_stops_it_between_two_files(self):
        host = self.start().host().connect()
        whole = b''.join(record(b'%d' % n, b'content', receiver.NO_MODE) for n in range(receiver.RECORDS_MAX))
        for _ in range(20):                     # some may be done before it comes
            stream = self.begin(host, whole)
            host.commit(stream, whole)
            host.send(CONTROL, stream, text('cancel'), ask=True)
            verb, fields = host.answer(stream, 2)
            if verb == 'error':
                break
            for name in self.names():
                os.unlink(self.path(name))
        self.assertEqual((verb, fields['code']), ('error', b'cancelled'))
        names = self.names()
        self.assertLess(len(names), receiver.RECORDS_MAX)
        self.assertEqual(sorted(names, key=int), [str(n) for n in range(len(names))])
        self.assertEqual({self.read(name) for name in names} - {b'content'}, set())

    def test_a_second_commit_is_refused_and_stops_it(self):
        host = self.start().host().connect()
        whole = b''.join(record(b'%d' % n, b'content') for n in range(receiver.RECORDS_MAX))
        first = self.begin(host, whole)
        for _ in range(2):
            host.commit(first, whole)
        second = self.begin(host, record(b'behind', b'x'))
        host.commit(second, record(b'behind', b'x'))
        self.assertEqual(host.answer(second, 2)[0], 'done')
        verbs = [verb for verb, _ in host.answers[first]]
        self.assertIn(verbs, (['accept', 'error'], ['accept', 'done', 'error']))


if __name__ == '__main__':
    unittest.main()
