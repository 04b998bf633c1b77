"""receiver.py as it is delivered: one file, put together from guest/linux."""

import ast
import json
import os
import py_compile
import re
import stat
import subprocess
import sys
import tempfile
import unittest

from support import REPOSITORY, receiver

PARTS = os.path.join(REPOSITORY, 'guest', 'linux')
MARK = re.compile(r'^# ---- (\w+\.py) -+$', re.M)


def read(*path):
    with open(os.path.join(REPOSITORY, *path), encoding='utf-8') as file:
        return file.read()


def part_files():
    return sorted(name for name in os.listdir(PARTS) if name.endswith('.py'))


def top_level_names(tree):
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield from (name.id for name in ast.walk(target) if isinstance(name, ast.Name))


class Product(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = read('dist', 'guest', 'receiver.py')
        cls.tree = ast.parse(cls.text)
        cls.version = json.loads(read('package.json'))['version']

    def test_begins_with_version_and_licence(self):
        lines = self.text.split('\n')
        self.assertEqual(lines[:2], ['#!/usr/bin/env python3', '# Guestwire %s: assembled from guest/linux, do not edit.'
                                     % self.version])
        head = [line[2:] for line in self.text.split('"""')[0].split('\n') if line.startswith('#')]
        self.assertIn(read('LICENSE').strip(), '\n'.join(head))

    def test_is_a_program_of_ascii_lines(self):
        mode = os.stat(receiver.__file__).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o755)
        self.assertRegex(self.text, r'\A[\n -~]*\Z')
        self.assertEqual(self.text[-1], '\n')

    def test_compiles(self):
        with tempfile.TemporaryDirectory() as folder:
            py_compile.compile(receiver.__file__, os.path.join(folder, 'compiled'), doraise=True)

    def test_says_its_version(self):
        said = subprocess.check_output([sys.executable, receiver.__file__, '--version'])
        self.assertEqual(said.decode(), 'receiver.py %s, protocol 1\n' % self.version)

    def test_has_every_part_once_below_its_mark(self):
        pieces = MARK.split(self.text)
        sections = dict(zip(pieces[1::2], pieces[2::2]))
        self.assertEqual(len(sections), len(pieces) // 2, 'no mark twice')
        self.assertEqual(sorted(sections), [name for name in part_files() if name != '__init__.py'])
        for name, section in sections.items():
            names = list(top_level_names(ast.parse(read(PARTS, name))))
            self.assertEqual(list(top_level_names(ast.parse(section))), names, name)

    def test_parts_import_only_from_parts_above(self):
        above = set()
        for name in MARK.findall(self.text):
            for node in ast.walk(ast.parse(read(PARTS, name))):
                if isinstance(node, ast.ImportFrom) and node.level:
                    self.assertIn(node.module, above, name)
            above.add(name[:-3])

    def test_no_two_top_level_names_are_alike(self):
        names = list(top_level_names(self.tree))
        self.assertEqual(sorted(names), sorted(set(names)))

    def test_nothing_of_a_package_is_left(self):
        self.assertEqual([node.lineno for node in ast.walk(self.tree)
                          if isinstance(node, ast.ImportFrom) and node.level], [])
        self.assertNotIn('@VERSION@', self.text)


class Language(unittest.TestCase):
    def test_is_python_3_6(self):
        with open(receiver.__file__) as file:
            # before 3.8 Python knows no grammar but its own, and 3.6's is what is asked for
            tree = ast.parse(file.read(), **({'feature_version': (3, 6)} if sys.version_info >= (3, 8) else {}))
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        later = {'time_ns', 'monotonic_ns', 'perf_counter_ns', 'SimpleQueue', 'removeprefix', 'removesuffix',
                 'cached_property', 'eventfd', 'pidfd_open', 'file_digest', 'randbytes', 'prod', 'preadv',
                 'pwritev', 'fromisoformat', 'excepthook', 'get_native_id', 'copy_file_range', 'add_note'}
        self.assertEqual(names & later, set(), 'newer than Python 3.6')

    def test_imports_only_the_standard_library(self):
        with open(receiver.__file__) as file:
            source = file.read()
        modules = set(re.findall(r'^\s*import (\w+)', source, re.M))
        # does without where there is none: test_transfers.WhatDecodesZstd
        self.assertEqual(re.findall(r'^( *)import ctypes', source, re.M), [' ' * 8], 'within a function, once')
        modules -= {'ctypes'}
        # what Debian's python3-minimal has
        self.assertLessEqual(modules, {
            'argparse', 'collections', 'errno', 'fcntl', 'hashlib', 'os', 'pwd', 're', 'select', 'signal',
            'stat', 'struct', 'sys', 'termios', 'threading', 'time', 'traceback', 'zlib'})


class Parts(unittest.TestCase):
    def test_stay_short(self):
        for name in part_files():
            text = read(PARTS, name)
            self.assertLessEqual(text.count('\n'), 400, name)
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef):
                    last = max(getattr(inner, 'lineno', 0) for inner in ast.walk(node))
                    self.assertLessEqual(last - node.lineno + 1, 40, '%s: %s' % (name, node.name))


if __name__ == '__main__':
    unittest.main()
