"""What a file has besides its bytes: the tests of receiver.py with the engine of receiver.ps1 under Mono."""

import unittest

from remote import OnRemote
from windows import OnMono

import test_keeping  # noqa: E402  (found once windows is imported)


class Requests(OnRemote):
    module = test_keeping


class Replacing(Requests, test_keeping.Replacing):
    pass


class Identical(Requests, test_keeping.Identical):
    pass


class Immutable(Requests, test_keeping.Immutable):
    pass


class Refused(OnMono, test_keeping.Refused):
    pass


if __name__ == '__main__':
    unittest.main()
