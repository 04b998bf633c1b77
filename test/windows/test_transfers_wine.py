"""What receiver.py is tested with, as far as it is not about POSIX, with the
engine of receiver.ps1 under Wine. Linux's files are on its drive Z:."""

import unittest

from pool import PooledBench
from wine import OnWine

import test_lanes  # noqa: E402  (found once wine is imported)
import test_requests
import test_transfers


class WineBench(PooledBench):
    @staticmethod
    def as_on_linux(answer):
        stream, verb, fields = answer
        path = fields.get('path', b'')
        if path.startswith(b'Z:\\'):
            fields = dict(fields, path=path[2:].replace(b'\\', b'/'))
        return stream, verb, fields


class OnWineBench(OnWine):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for module in (test_requests, test_transfers):
            cls.addClassCleanup(setattr, module, 'Bench', module.Bench)
            module.Bench = WineBench


class Put(OnWineBench, test_requests.Put):
    # hold the worker, or look into receiver.py
    test_cancel_while_committing = test_small_files_are_flushed_together = test_small_files_fail_one_by_one = None
    test_a_directory_that_cannot_be_flushed = test_descriptors_are_given_back = None
    # modes, and names that Windows does not take
    test_mode_and_mtime = test_nothing_has_the_final_name_before_commit = test_awkward_names = None


class Conflicts(OnWineBench, test_requests.Conflicts):
    test_file_system_without_hard_links = None  # replaces os.link
    test_destination_becomes_something_else = None  # a link of Linux
    test_rename_of_a_long_name = None           # counts bytes; test_win32.py counts as Windows does


class Vectors(OnWineBench, test_transfers.Vectors):
    def test_zstd(self):
        """.NET has none, so it is neither announced nor taken."""
        self.assertEqual(self.bench.code('put', path=self.path('f'), encoding='zstd'), 'unsupported')


class Deflate(OnWineBench, test_transfers.Deflate):
    test_a_bomb_is_made_in_steps = test_a_bomb_stops_when_it_is_cancelled = None
    test_to_a_device = None                     # of Linux


class Delta(OnWineBench, test_transfers.Delta):
    test_basis_that_cannot_be_read = test_a_long_copy_stops_when_it_is_cancelled = None
    test_no_basis_from_links_and_devices = None # Linux's links are none in Wine


class Signatures(OnWineBench, test_transfers.Signatures):
    test_cancel = test_data_and_commit_on_its_stream = test_file_that_changes_while_it_is_read = None
    test_it_waits_for_a_host_that_takes_nothing = test_the_end_of_the_session_ends_it = None
    test_refusals = test_outside_the_root_and_read_only = None  # of Linux's links and devices


class Resume(OnWineBench, test_transfers.Resume):
    test_a_file_system_without_locks = test_a_write_error_leaves_nothing = None
    test_a_commit_that_is_cut_off_keeps_it = test_the_end_of_the_receiver = None
    # modes, owners, links and devices of Linux
    test_a_dropped_session_keeps_it = test_a_file_of_somebody_else_is_not_adopted = None
    test_links_and_others_are_not_adopted = test_devices_have_none = None


class Lanes(OnWine, test_lanes.Processes):
    pass


if __name__ == '__main__':
    unittest.main()
