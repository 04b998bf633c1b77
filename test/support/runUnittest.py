"""Runs one module of unittest suites and writes its counts, as JSON, to a file.

Usage: runUnittest.py FOLDER MODULE COUNTS
The exit code is unittest's: 0 when nothing failed.
"""

import json
import sys
import unittest


def main(folder, module, counts):
    suite = unittest.defaultTestLoader.discover(folder, pattern=module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = [{"name": str(test), "reason": reason} for test, reason in result.skipped]
    # A module that can't be imported or a set-up that fails counts as an error without counting as a test.
    passed = max(0, result.testsRun - failed - len(skipped))
    with open(counts, "w") as file:
        json.dump({"passed": passed, "failed": failed, "skipped": skipped}, file)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
