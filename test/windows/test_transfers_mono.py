"""Section 6's tests and vectors, over a pty, with the engine of receiver.ps1
under Mono. Left out is what looks into receiver.py itself."""

import unittest

from remote import OnRemote

import test_transfers


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


class FullDisk(Transfers, test_transfers.FullDisk):
    pass


if __name__ == '__main__':
    unittest.main()
