"""receiver.ps1 for the tests of receiver.py: its C# engine under Mono, and the
script itself under PowerShell 7."""

import contextlib
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
# The same with one platform more, because there is no Windows here.
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
    with cache_lock():
        if not os.path.exists(target):
            remove_old(name)
            compile_engine(target, script, extra, options)
    return target


@contextlib.contextmanager
def cache_lock():
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, 'lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_old(name):
    for old in glob.glob(os.path.join(CACHE, name + '-*.*')):
        # another run may use what is younger
        if time.time() - os.stat(old).st_mtime > 86400:
            os.unlink(old)


def compile_engine(target, script, extra, options):
    source = target[:-4] + '.cs'
    make(source, engine_source(script))
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
    with cache_lock():
        shutil.rmtree(folder, ignore_errors=True)
        done = subprocess.run(['dotnet', 'tool', 'install', 'PowerShell', '--version', POWERSHELL, '--tool-path', folder],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=CACHE)
    if done.returncode:
        raise AssertionError('PowerShell could not be installed:\n' + done.stdout.decode())


def script_command(script=SCRIPT):
    assemble()
    return powershell() + ['-NoProfile', '-NonInteractive', '-File', script]


ADD_TYPE = 'Add-Type -TypeDefinition $engine -Language $language -IgnoreWarnings'


def compiled_script():
    """The script with its engine compiled once, by PowerShell itself, instead of at each start, which takes seconds of
    the processor; kept until it changes. The script as it is test_script.py runs."""
    before, here_string, after = split_script()
    key = hashlib.sha256(repr((powershell(), before, here_string, after)).encode()).hexdigest()[:16]
    target = os.path.join(CACHE, 'script-%s.ps1' % key)
    with cache_lock():
        if not os.path.exists(target):
            remove_old('script')
            library = target[:-4] + '.dll'
            line = ADD_TYPE + " -OutputAssembly '%s'" % library
            make(target, before + here_string + line + '\n')
            subprocess.run(powershell() + ['-NoProfile', '-NonInteractive', '-File', target], check=True)
            make(target, before + "Add-Type -Path '%s'" % library + after)
    return target


def split_script():
    """What is before the here-string with the engine; that and what follows; what is behind Add-Type."""
    assemble()
    before, rest = read(SCRIPT).split("$engine = @'\n")
    here_string, after = rest.split(ADD_TYPE)
    return before, "$engine = @'\n" + here_string, after


def make(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


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
    """The script under PowerShell, its engine compiled once for all."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # PowerShell ends at once at the others; Windows has none of them
        cls.addClassCleanup(setattr, Receiver, 'end_signals', Receiver.end_signals)
        Receiver.end_signals = (signal.SIGINT,)

    @staticmethod
    def command():
        return script_command(compiled_script())
