"""What receiver.py is tested with as a process, over whole lines and lanes,
with the script itself under PowerShell 7. Leaves out tests of which the engine
under Mono says as much."""

import unittest

from windows import OnPowerShell

import test_bundles_mono
import test_lanes_mono
import test_process_mono


class Transfer(OnPowerShell, test_process_mono.Transfer):
    pass


class Sessions(OnPowerShell, test_process_mono.Sessions):
    pass


class Stopping(OnPowerShell, test_process_mono.Stopping):
    pass


class SendingLess(OnPowerShell, test_process_mono.SendingLess):
    pass


class Fuzz(OnPowerShell, test_process_mono.Fuzz):
    pass


class Bundles(OnPowerShell, test_bundles_mono.Process):
    pass


class Lanes(OnPowerShell, test_lanes_mono.Processes):
    pass


class LanesFuzz(OnPowerShell, test_lanes_mono.Fuzz):
    pass


if __name__ == '__main__':
    unittest.main()
