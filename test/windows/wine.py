"""The engine of receiver.ps1 as a Windows program under Wine: what calls Win32
(files, COM ports, the console's signals) runs there as on Windows, as far as
Wine behaves like it."""

import atexit
import fcntl
import functools
import hashlib
import itertools
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import windows
from pool import close_idle
from windows import CACHE, HERE, SHIPPED, engine_source, read

from host import Receiver  # noqa: E402  (found once windows is imported)

PROJECT = os.path.join(HERE, 'wine.csproj')
MAIN = os.path.join(HERE, 'WineMain.cs')


def windows_program():
    """The path of the program, built if it is not in the cache as it is now."""
    key = hashlib.sha256(repr([engine_source(SHIPPED), read(PROJECT), read(MAIN)]).encode()).hexdigest()[:16]
    folder = os.path.join(CACHE, 'wine-' + key)
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, 'lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(folder):
            build(folder)
    return os.path.join(folder, 'receiver.exe')


def build(folder):
    if not has_sdk():
        raise unittest.SkipTest('needs the .NET SDK 10 to build for Windows')
    for old in os.listdir(CACHE):
        if old.startswith('wine-'):
            shutil.rmtree(os.path.join(CACHE, old), ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        for file in (PROJECT, MAIN):
            shutil.copy(file, work)
        engine = os.path.join(work, 'engine.cs')
        with open(engine, 'w', encoding='utf-8') as file:
            file.write(engine_source(SHIPPED))
        out = os.path.join(work, 'out')
        done = subprocess.run(['dotnet', 'build', 'wine.csproj', '--configuration', 'Release', '-p:Engine=' + engine,
                               '--output', out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=work)
        if done.returncode:
            raise AssertionError('the engine could not be built for Windows:\n' + done.stdout.decode())
        os.rename(out, folder)


def has_sdk():
    if shutil.which('dotnet') is None:
        return False
    found = subprocess.run(['dotnet', '--list-sdks'], stdout=subprocess.PIPE).stdout.decode()
    return any(int(major) >= 10 for major in re.findall(r'^(\d+)\.', found, re.M))


class Prefix:
    """A Windows of its own in a folder of the cache, drive C: within it; it goes with the tests."""

    def __init__(self):
        self.forget_old()
        # Wine copies 700 MB of its libraries into it: /tmp may be memory
        self.folder = tempfile.mkdtemp(prefix='prefix-', dir=CACHE)
        self.drive_c = os.path.join(self.folder, 'drive_c')
        self.numbers = itertools.count(20)
        # no display, no questions, no debugger that dumps what crashed
        self.environment = dict(WINEPREFIX=self.folder, WINEDEBUG='-all', DISPLAY='', WINEDLLOVERRIDES='winedbg.exe=')
        try:
            self.run('wineboot', '--init', WINEDLLOVERRIDES='mscoree,mshtml,winedbg.exe=')
            self.forget_ports()
            # or it would end and start with each program; by itself it ends after five minutes
            self.run_server('--persistent=300')
        except BaseException:
            self.close()
            raise

    @staticmethod
    def forget_old():
        """Of tests that were killed."""
        for name in os.listdir(CACHE):
            folder = os.path.join(CACHE, name)
            if name.startswith('prefix-') and time.time() - os.stat(folder).st_mtime > 86400:
                shutil.rmtree(folder, ignore_errors=True)

    def run(self, *command, **more):
        environment = dict(os.environ, **self.environment)
        environment.update(more)
        wine = windows.program('wine')
        done = subprocess.run([wine] + list(command), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300)
        if done.returncode:
            raise AssertionError('wine %s: %s' % (' '.join(command), done.stdout.decode()))

    def run_server(self, option):
        subprocess.run(['wineserver', option], env=dict(os.environ, **self.environment), stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def forget_ports(self):
        """Wine has found the machine's own serial lines: not what a test may write to."""
        devices = os.path.join(self.folder, 'dosdevices')
        for name in os.listdir(devices):
            if re.match(r'(com|lpt)\d', name):
                os.unlink(os.path.join(devices, name))

    def port(self, line):
        """The name under which Windows has a pty: each gets a number of its own."""
        name = 'com%d' % next(self.numbers)
        os.symlink(line.path, os.path.join(self.folder, 'dosdevices', name))
        return name.upper()

    def close(self):
        self.run_server('--kill')
        self.run_server('--wait')
        shutil.rmtree(self.folder, ignore_errors=True)


@functools.lru_cache(maxsize=None)
def the_prefix():
    """One for all tests: making it takes ten seconds."""
    prefix = Prefix()
    atexit.register(prefix.close)
    return prefix


class OnWine:
    """Mixin for a TestCase of test/guest: the receiver it starts is ours."""

    @classmethod
    def setUpClass(cls):
        cls.program = windows_program()
        cls.prefix = the_prefix()
        cls.before = Receiver.command, Receiver.port_name, Receiver.environment
        cls.addClassCleanup(cls.put_back)
        Receiver.command = [windows.program('wine'), cls.program]
        Receiver.port_name = staticmethod(cls.prefix.port)
        Receiver.environment = cls.prefix.environment
        super().setUpClass()

    @classmethod
    def put_back(cls):
        close_idle()
        Receiver.command, port_name, Receiver.environment = cls.before
        Receiver.port_name = staticmethod(port_name)
