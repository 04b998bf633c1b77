"""receiver.ps1 itself: under a real PowerShell 7, and whether what is PowerShell
in it is within version 2.0."""

import json
import os
import signal
import subprocess
import unittest

from windows import HERE, SHIPPED, OnPowerShell, powershell, read, script_command

import test_process
from support import sha256


class Script(OnPowerShell, test_process.Case):
    """As it is: compiled at each start."""

    @staticmethod
    def command():
        return script_command()

    def test_files_go_over(self):
        process = self.start('-LogLevel', 'info', lines=2)
        host = process.host(1).connect()
        self.assertRegex(host.welcome['agent'].decode(), r'^receiver\.ps1/\d')
        for size in (0, 1, 65537, 2000000):
            content = os.urandom(size)
            verb, fields = host.put(self.path('f%d' % size), content, mtime='1700000000.25')
            self.assertEqual((verb, fields.get('sha256')), ('done', sha256(content).encode()), fields)
            self.assertEqual(self.read('f%d' % size), content)
        self.assertEqual(process.host(0).connect().request('stat', path=self.path('f1'), hash='sha256')[1]['size'], b'1')
        host.open('put', path=self.path('unfinished'))
        host.answer(host.stream)
        self.assertEqual(process.stop(signal.SIGINT), 0, 'Ctrl-C')
        host.read()
        self.assertIn((host.session, {'code': b'bye'}), host.resets)
        self.assertEqual(len(self.names()), 4)

    def test_root(self):
        host = self.start('-Root', self.folder).host().connect()
        self.assertEqual(host.put('f', b'x')[0], 'done')
        self.assertEqual(host.put('/tmp/f', b'x')[1]['code'], b'outside-root')

    def test_command_line(self):
        for arguments, code, out, errors in (
                (['-Version'], 0, r'^receiver\.ps1 [0-9.]+, protocol 1\n$', '^$'),
                (['-LogLevel', 'loud'], 2, '^$', 'one of error'), (['-Nonsense'], 2, '^$', 'no option -Nonsense'),
                (['-Port', self.path('none')], 1, '^$', 'No such file')):
            done = subprocess.run(script_command() + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
            self.assertEqual(done.returncode, code, arguments)
            self.assertRegex(done.stdout.decode(), out)
            self.assertRegex(done.stderr.decode(), errors)


class Shipped(unittest.TestCase):
    def test_it_compiles_and_wants_a_windows(self):
        done = subprocess.run(script_command(SHIPPED), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        self.assertEqual((done.returncode, done.stdout), (2, b''))
        self.assertIn(b'is for Windows', done.stderr)


# What PowerShell 2.0 has of what the script could use; kept by hand.
COMMANDS = {'add-type', 'get-childitem', 'get-content', 'get-item', 'join-path', 'new-object', 'out-null', 'split-path',
            'start-sleep', 'test-path', 'where-object', 'foreach-object', 'write-output'}
PARAMETERS = {'add-type': {'typedefinition', 'language', 'ignorewarnings', 'referencedassemblies', 'path'}}
OPERATORS = {'-in', '-notin', '-shl', '-shr', '??', '??=', '?.', '?[', '&&', '||', '?'}
KEYWORDS = {'class', 'enum', 'using', 'workflow', 'configuration', 'parallel', 'sequence', 'inlinescript', 'hidden'}
VARIABLES = {'psscriptroot', 'pscommandpath', 'psitem', 'iswindows', 'islinux', 'ismacos', 'iscoreclr', 'psedition'}
TYPES = {'ordered', 'pscustomobject'}


def complaints_of(tree):
    found = ['does not parse: ' + error for error in tree['errors']]
    for kind, text in tree['tokens']:
        lower = text.lower()
        if lower in OPERATORS or kind == 'Keyword' and lower in KEYWORDS:
            found.append(text)
        if kind == 'Variable' and lower.lstrip('$@').strip('{}').split(':')[-1] in VARIABLES:
            found.append(text)
    for command in tree['commands']:
        name = command['name'].lower()
        if name not in COMMANDS:
            found.append('command ' + name)
        found += ['%s -%s' % (name, p) for p in command['parameters']
                  if name in PARAMETERS and p.lower() not in PARAMETERS[name]]
    return found + ['[%s]' % name for name in tree['types'] if name.lower() in TYPES]


class Version2(unittest.TestCase):
    """By the tokens and the tree of PowerShell's own parser."""

    @staticmethod
    def complaints(sources):
        """Of each source what is later than 2.0 or not known to be in it."""
        done = subprocess.run(powershell() + ['-NoProfile', '-NonInteractive', '-File', os.path.join(HERE, 'tokens.ps1')],
                              input=json.dumps(sources).encode(), stdout=subprocess.PIPE, timeout=120, check=True)
        return [complaints_of(tree) for tree in json.loads(done.stdout.decode())]

    def test_the_script(self):
        self.assertEqual(self.complaints([read(SHIPPED)]), [[]])

    def test_the_check_sees_what_is_later(self):
        lines = ['$x = [ordered]@{}', 'if (1 -in 1, 2) { }', 'class A { }', '$PSScriptRoot', '$a ?? $b', '$a ? 1 : 2',
                 'Get-CimInstance x', 'Write-Information x', 'Add-Type -AssemblyName x -TypeDefinition y', 'a && b',
                 'if ($IsWindows) { }', '$x = [pscustomobject]@{ }', 'enum A { B }', 'using namespace System', 'if (']
        self.assertEqual([line for line, found in zip(lines, self.complaints(lines)) if not found], [])


if __name__ == '__main__':
    unittest.main()
