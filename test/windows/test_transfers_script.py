"""What receiver.py is tested with, with the script itself under PowerShell 7."""

import unittest

from pool import PooledBench, close_idle
from windows import script_command

import test_requests_mono
import test_transfers_mono


class OnScript:
    """Mixin: in the place of the engine under Mono."""

    bench = PooledBench

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(close_idle)

    @staticmethod
    def command():
        return script_command()


class Put(OnScript, test_requests_mono.Put):
    pass


class Conflicts(OnScript, test_requests_mono.Conflicts):
    pass


class Destinations(OnScript, test_requests_mono.Destinations):
    pass


class Stat(OnScript, test_requests_mono.Stat):
    pass


class Vectors(OnScript, test_transfers_mono.Vectors):
    pass


class Deflate(OnScript, test_transfers_mono.Deflate):
    pass


class Delta(OnScript, test_transfers_mono.Delta):
    pass


class Signatures(OnScript, test_transfers_mono.Signatures):
    pass


class Resume(OnScript, test_transfers_mono.Resume):
    pass


if __name__ == '__main__':
    unittest.main()
