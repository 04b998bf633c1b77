"""What receiver.py is tested with, as far as it is not about POSIX, with the
engine of receiver.ps1 under Wine. Linux's files are on its drive Z:."""

import unittest

from wine import OnWine

import remote
import test_requests
import test_transfers
from host import Receiver


class WineBench(remote.RemoteBench):
    """One receiver for all tests of a class: its start takes seconds here."""

    kept = None

    def start(self, options):
        if WineBench.kept is None:
            WineBench.kept = Receiver(*options, wait=False)
            WineBench.kept.wait_log(b'serving ', timeout_s=120)
        return WineBench.kept

    @staticmethod
    def as_on_linux(answer):
        stream, verb, fields = answer
        path = fields.get('path')
        if path is not None and path.startswith(b'Z:\\'):
            fields = dict(fields, path=path[2:].replace(b'\\', b'/'))
        return stream, verb, fields

    def close(self):
        self.requests.close()


class OnWineBench(OnWine):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for module in (test_requests, test_transfers):
            cls.addClassCleanup(setattr, module, 'Bench', module.Bench)
            module.Bench = WineBench
        cls.addClassCleanup(cls.end_receiver)

    @staticmethod
    def end_receiver():
        if WineBench.kept is not None:
            WineBench.kept.close()
        WineBench.kept = None


class Put(OnWineBench, test_requests.Put):
    pass


class Conflicts(OnWineBench, test_requests.Conflicts):
    pass


class Vectors(OnWineBench, test_transfers.Vectors):
    pass


class Deflate(OnWineBench, test_transfers.Deflate):
    pass


class Delta(OnWineBench, test_transfers.Delta):
    pass


class Signatures(OnWineBench, test_transfers.Signatures):
    pass


class Resume(OnWineBench, test_transfers.Resume):
    pass


if __name__ == '__main__':
    unittest.main()
