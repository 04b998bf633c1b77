"""The process tests of receiver.py with the engine of receiver.ps1 under Mono."""

import os
import struct
import unittest

from windows import OnMono

import test_process  # noqa: E402  (found once windows is imported)
from fuzz import piece
from host import DATA
from test_process import memory_kb, peak_memory_kb


class Transfer(OnMono, test_process.Transfer):
    pass


class Sessions(OnMono, test_process.Sessions):
    pass


class Knocks(OnMono, test_process.Knocks):
    FLOOD_KB = 8000                         # a managed heap grows in steps


class Stopping(OnMono, test_process.Stopping):
    pass


class SendingLess(OnMono, test_process.SendingLess):
    pass


class CommandLine(OnMono, test_process.CommandLine):
    # of functions within receiver.py
    test_ports_found_without_being_named = None
    test_device_kinds = None

    def test_version(self):
        code, out, errors = self.run_it('--version')
        self.assertRegex(out, r'^receiver\.ps1 [0-9.]+, protocol 1\n$')
        self.assertEqual((code, errors), (0, ''))

    def test_options_as_powershell_writes_them(self):
        for arguments in (('-Version',), ('-version',), ('-Ver',), ('-LogLevel', 'debug', '-Version'),
                          ('-Root:/none', '-ReadOnly', '-Version'), ('-Port', 'COM2,COM3', '-Version')):
            self.assertEqual(self.run_it(*arguments)[0], 0, arguments)
        for arguments in (('-R', '/tmp', '-Version'), ('-Root',), ('-Port',), ('-Speed', 'fast'), ('-',)):
            self.assertEqual(self.run_it(*arguments)[0], 1 if arguments == ('-',) else 2, arguments)
        self.assertIn('-Root DIR', self.run_it('-Help')[1])


class Resources(OnMono, test_process.Resources):
    def test_memory_is_flat(self):
        """A managed heap grows and shrinks in steps: what must not be is
        growth with every file."""
        process = self.start()
        host = process.host().connect()
        for _ in range(3):
            host.put('/dev/null', os.urandom(5000000))
        before = memory_kb(process.process.pid)
        for _ in range(6):
            host.put('/dev/null', os.urandom(5000000))
        self.assertLess(memory_kb(process.process.pid) - before, 8000)


    def test_bombs_do_not_grow_it(self):
        process = self.start()
        host = process.host().connect()
        host.put('/dev/null', os.urandom(10000000))
        before = memory_kb(process.process.pid)
        stream = host.open('put', path='/dev/null', encoding='deflate')
        bomb = piece(bytes(4 << 20))
        for number in range(16):
            host.send(DATA, stream, struct.pack('>Q', number << 22) + bomb, ask=True, flags=2)
        host.commit(stream, bytes(16 << 22))
        self.assertEqual(host.answer(stream, 2)[0], 'done')
        self.assertLess(peak_memory_kb(process.process.pid) - before, 16000)


class Fuzz(OnMono, test_process.Fuzz):
    pass


if __name__ == '__main__':
    unittest.main()
