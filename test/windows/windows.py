"""receiver.ps1 for the tests of receiver.py: its C# engine under Mono, and the
script itself under PowerShell 7."""

import fcntl
import functools
import glob
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.normpath(os.path.join(HERE, '..', '..'))
SHIPPED = os.path.join(REPOSITORY, 'dist', 'guest', 'receiver.ps1')
# The same and, for there is no Windows here, a platform more.
SCRIPT = os.path.join(REPOSITORY, 'dist', 'test', 'receiver.ps1')
CACHE = os.path.join(REPOSITORY, '.cache', 'windows')

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(REPOSITORY, 'test', 'guest'))

from host import Receiver  # noqa: E402  (only now can it be found)

Receiver.start_limit_s = 120.0              # Wine and PowerShell take seconds


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


@functools.lru_cache(maxsize=None)
def assemble():
    """Makes both scripts: somebody may have changed a part since the last build."""
    bundled = os.path.join(REPOSITORY, 'node_modules', '.bin', 'node')
    node = bundled if os.path.exists(bundled) else program('node')
    subprocess.run([node, os.path.join(REPOSITORY, 'guest', 'windows', 'assemble.mjs')], check=True)


def engine_source(script=SCRIPT):
    """The C# within the script."""
    assemble()
    return read(script).split("\n$engine = @'\n")[1].split("\n'@\n")[0] + '\n'


def compiled(name, extra, *options, script=SCRIPT):
    """The engine compiled with `extra` sources; kept until one of them changes."""
    sources = [engine_source(script)] + [read(file) for file in extra]
    key = hashlib.sha256(repr((sources, options)).encode()).hexdigest()[:16]
    target = os.path.join(CACHE, '%s-%s.exe' % (name, key))
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, 'lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(target):
            compile_engine(target, script, extra, options)
    return target


def compile_engine(target, script, extra, options):
    for old in glob.glob(os.path.join(CACHE, os.path.basename(target).split('-')[0] + '-*.*')):
        # another run may use what is younger
        if time.time() - os.stat(old).st_mtime > 86400:
            os.unlink(old)
    source = target[:-4] + '.cs'
    with open(source, 'w', encoding='utf-8') as file:
        file.write(engine_source(script))
    done = subprocess.run([program('mcs'), '-langversion:3', '-warnaserror', '-out:' + target] + list(options)
                          + [source] + list(extra), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise AssertionError('the engine does not compile as C# 3:\n' + done.stdout.decode())


def program(name):
    found = shutil.which(name)
    if found is None:
        raise AssertionError('%s is missing: apt-get install mono-mcs mono-runtime libmono-posix4.0-cil wine' % name)
    return found


def mono_engine():
    return compiled('engine', [os.path.join(HERE, 'EngineMain.cs')], '-r:Mono.Posix')


def mono_command():
    return [program('mono'), mono_engine()]


# The version is a fixed one: a test must not change because somebody released something.
POWERSHELL = '7.6.9'


def powershell():
    """The command of pwsh as installed, else of PowerShell's own .NET tool in
    the cache: not by the tool's starter, which keeps signals to itself."""
    installed = shutil.which('pwsh')
    if installed:
        return [installed]
    folder = os.path.join(CACHE, 'powershell-' + POWERSHELL)
    if not os.path.exists(os.path.join(folder, 'pwsh')):
        install_powershell(folder)
    program, = glob.glob(os.path.join(folder, '.store/powershell/*/powershell/*/tools/*/any/unix/pwsh.dll'))
    return ['dotnet', program]


def install_powershell(folder):
    if shutil.which('dotnet') is None:
        raise unittest.SkipTest('needs PowerShell 7, or the .NET SDK to get it')
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, 'lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)
        done = subprocess.run(['dotnet', 'tool', 'install', 'PowerShell', '--version', POWERSHELL, '--tool-path', folder],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=CACHE)
    if done.returncode:
        raise AssertionError('PowerShell could not be installed:\n' + done.stdout.decode())


def script_command(script=SCRIPT):
    assemble()
    return powershell() + ['-NoProfile', '-NonInteractive', '-File', script]


class OnMono:
    """Mixin for a TestCase of test/guest: the receiver it starts is ours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(setattr, Receiver, 'command', Receiver.command)
        Receiver.command = cls.command()

    @staticmethod
    def command():
        return mono_command()


class OnPowerShell(OnMono):
    """The whole script in its place, compiled by Add-Type at each start."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # PowerShell ends at once at the others; Windows has none of them
        cls.addClassCleanup(setattr, Receiver, 'end_signals', Receiver.end_signals)
        Receiver.end_signals = (signal.SIGINT,)

    @staticmethod
    def command():
        return script_command()
