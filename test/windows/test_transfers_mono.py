"""Section 6's tests and vectors, over a pty, with the engine of receiver.ps1
under Mono. Leaves out tests that look into receiver.py itself."""

import os
import unittest

from remote import OnRemote

import test_transfers
from host import CONTROL, text  # noqa: E402  (found once remote is imported)


class Transfers(OnRemote):
    module = test_transfers


class Vectors(Transfers, test_transfers.Vectors):
    def test_zstd(self):
        """.NET has none, so it is neither announced nor taken."""
        self.assertEqual(self.bench.code('put', path=self.path('f'), encoding='zstd'), 'unsupported')


class Deflate(Transfers, test_transfers.Deflate):
    test_a_bomb_is_made_in_steps = test_a_bomb_stops_when_it_is_cancelled = None


class Delta(Transfers, test_transfers.Delta):
    test_basis_that_cannot_be_read = test_a_dropped_session_closes_the_basis = None
    test_a_long_copy_stops_when_it_is_cancelled = None


class Signatures(Transfers, test_transfers.Signatures):
    test_cancel = test_data_and_commit_on_its_stream = test_file_that_changes_while_it_is_read = None
    test_it_waits_for_a_host_that_takes_nothing = test_the_end_of_the_session_ends_it = None


class Resume(Transfers, test_transfers.Resume):
    test_a_file_system_without_locks = test_a_write_error_leaves_nothing = None
    test_a_commit_that_is_cut_off_keeps_it = test_the_end_of_the_receiver = None

    def test_cancel_while_committing(self):
        """Too late once the file has its name; before that `keep` decides."""
        content = os.urandom(300000)
        for keep, left in (('1', 1), ('0', 0)):
            for attempt in range(50):
                name = self.path('f%s-%d' % (keep, attempt))
                self.bench.send(1, 'put', path=name, resume='1', size=len(content))
                self.bench.data(1, content)
                before = len(self.bench.answers)
                host = self.bench.host
                host.commit(1, content)
                host.send(CONTROL, 1, text('cancel', keep=keep), ask=True)
                host.until(lambda: any(a[0] == 1 for a in self.bench.answers[before:]))
                verb, fields = [a[1:] for a in self.bench.answers[before:] if a[0] == 1][0]
                if verb == 'error':
                    break
                os.unlink(name)
            self.assertEqual((verb, fields['code']), ('error', b'cancelled'))
            self.assertEqual([os.stat(self.path(one)).st_size for one in os.listdir(self.folder)], left * [len(content)])
            for one in os.listdir(self.folder):
                os.unlink(self.path(one))


class FullDisk(Transfers, test_transfers.FullDisk):
    pass


if __name__ == '__main__':
    unittest.main()
