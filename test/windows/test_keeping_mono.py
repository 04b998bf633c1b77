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


class InPlace(Requests, test_keeping.InPlace):
    pass


class Stopped(OnMono, test_keeping.Stopped):
    pass


class Immutable(Requests, test_keeping.Immutable):
    pass


class Refused(OnMono, test_keeping.Refused):
    # Mono itself doesn't start without access()
    test_a_group_that_cannot_be_kept_may_do_no_more_than_others = None


if __name__ == '__main__':
    unittest.main()
