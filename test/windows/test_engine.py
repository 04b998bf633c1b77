"""Parts of the engine by themselves, against the shared vectors: text
payloads, frames, DEFLATE; and what it makes of a Windows path."""

import json
import os
import random
import re
import subprocess
import unittest
import zlib

import windows
from windows import SCRIPT, SHIPPED, compiled, engine_source, mono_command

from host import knock
from support import SEED, sha256, trace_frames, vectors  # noqa: E402  (found once windows is imported)


class Probe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.process = subprocess.Popen(mono_command() + ['--probe'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       universal_newlines=True)

    @classmethod
    def tearDownClass(cls):
        cls.process.stdin.close()
        cls.process.wait()
        cls.process.stdout.close()

    def ask(self, *words):
        self.process.stdin.write(' '.join(str(word) for word in words) + '\n')
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip('\n')


def frames(answer):
    out = []
    for item in answer.split():
        kind, flags, stream, session, sequence, payload = item.split(',')
        out.append(dict(type=int(kind), flags=int(flags), stream=int(stream), session=int(session),
                        sequence=int(sequence), payload=payload))
    return out


class Text(Probe):
    def test_valid(self):
        for one in vectors('texts.json')['valid']:
            with self.subTest(one['name']):
                verb, again, *fields = self.ask('text', one['hex']).split(' ')
                self.assertEqual(verb, one['verb'])
                self.assertEqual([field.split('=') for field in fields], one['fields'])
                self.assertEqual(again == one['hex'], one['canonical'])

    def test_invalid(self):
        for one in vectors('texts.json')['invalid']:
            with self.subTest(one['name']):
                self.assertEqual(self.ask('text', one['hex']), 'bad')


class Frames(Probe):
    def test_vectors(self):
        for one in vectors('frames.json')['frames'] + trace_frames():
            with self.subTest(one['name']):
                head = [one[k] for k in ('type', 'flags', 'stream', 'session', 'sequence', 'payload')]
                self.assertEqual(self.ask('encode', *head), one['hex'])
                self.ask('parser', 16384)
                self.assertEqual([[f[k] for k in ('type', 'flags', 'stream', 'session', 'sequence', 'payload')]
                                  for f in frames(self.ask('feed', one['hex']))], [head])
                self.assertEqual(self.ask('kept'), '0 0')

    def run_case(self, case, chunk_size):
        self.ask('parser', case['limit'])
        found = []
        for item in case['input']:
            if item.get('idle'):
                found += frames(self.ask('idle'))
                continue
            at = 0
            while at < len(item['hex']):
                size = 2 * chunk_size()
                found += frames(self.ask('feed', item['hex'][at:at + size]))
                at += size
        self.assertEqual(found, case['frames'])
        self.assertEqual([int(nonce) for nonce in self.ask('knocks').split()], case.get('knocks', []))
        self.assertEqual(self.ask('kept'), '%d %d' % (case['dropped'], case['kept']))

    def test_streams(self):
        dice = random.Random(SEED)
        for case in vectors('streams.json')['streams']:
            sizes = [('whole', lambda: 1 << 20), ('random', lambda: dice.randint(1, 200)),
                     ('large', lambda: dice.randint(1, 5000))]
            if sum(len(i.get('hex', '')) for i in case['input']) < 10000:
                sizes.append(('single bytes', lambda: 1))
            for name, size in sizes:
                with self.subTest(case['name'], chunks=name):
                    self.run_case(case, size)

    def test_knocks(self):
        for one in vectors('knocks.json')['texts']:
            self.assertEqual(self.ask('knock', one['text'].encode().hex()), str(one['nonce']))
        dice = random.Random(SEED)
        for case in vectors('knocks.json')['streams']:
            for name, size in (('whole', lambda: 1 << 20), ('single bytes', lambda: 1),
                               ('random', lambda: dice.randint(1, 60))):
                with self.subTest(case['name'], chunks=name):
                    self.run_case(case, size)
            for at in range(1, min(300, max(len(i.get('hex', '')) // 2 for i in case['input']))):
                first = [at]
                with self.subTest(case['name'], cut_at=at):
                    self.run_case(case, lambda: first.pop() if first else 1 << 20)

    def test_noise_that_looks_like_knocks(self):
        """Beside a search through all of it at once."""
        dice = random.Random(SEED)
        pieces = [knock(1), knock(2), b'4757', b'47', b'4', b'0000000001', knock(3)[:20], knock(1)[1:], b'x', b'\xf5']
        for _ in range(100):
            noise = b''.join(dice.choice(pieces) for _ in range(60)) + b'end'
            wanted = [int(noise[n + 4:n + 14]) for n in range(len(noise)) if noise[n:n + 24] in (knock(1), knock(2))]
            self.run_case(dict(limit=16384, input=[{'hex': noise.hex()}], frames=[], knocks=wanted,
                               dropped=len(noise), kept=0), lambda: dice.randint(1, 50))


class Sums(Probe):
    def test_adler(self):
        for data in (b'', b'a', b'\xff' * 70000, bytes(range(256)) * 100):
            self.assertEqual(int(self.ask('adler', data.hex()), 16), zlib.adler32(data))

    def test_crc32(self):
        """Within a larger array, and around the lengths at which something is done differently."""
        data = bytes(n * 7 & 255 for n in range(13000))
        for size in list(range(0, 40)) + [4088, 4095, 4096, 4097, 4104, 8192, 12345]:
            for at in (0, 1, 3):
                self.assertEqual(int(self.ask('crc', data.hex(), at, size), 16), zlib.crc32(data[at:at + size]), (at, size))

    def test_sha256(self):
        for size in list(range(0, 200)) + [1000, 65536, 100001]:
            data = bytes(n * 7 & 255 for n in range(size))
            for step in (1 << 20, 61, 64) if size < 2000 else (4096, 100000):
                self.assertEqual(self.ask('sha', data.hex(), step), sha256(data), size)


class Inflate(Probe):
    """Python's zlib deflates, the engine inflates: pieces that end with a sync
    flush, cut anywhere."""

    def contents(self):
        dice = random.Random(SEED)
        words = [bytes(dice.choice(b'abcdefgh ') for _ in range(dice.randint(2, 9))) for _ in range(300)]
        return {
            'empty': b'', 'one': b'x', 'zeros': bytes(300000), 'random': dice.getrandbits(8 * 70000).to_bytes(70000, 'big'),
            'text': b' '.join(dice.choice(words) for _ in range(30000)),
            'far': bytes(dice.getrandbits(8) for _ in range(32768)) * 3,
            'few symbols': bytes(dice.choice(b'aaaaaaab') for _ in range(50000))}

    def inflate(self, stream, chunk_size):
        self.ask('inflate')
        out, at = '', 0
        while at < len(stream):
            size = chunk_size()
            answer = self.ask('in', stream[at:at + size].hex())
            self.assertNotEqual(answer, 'bad')
            out, at = out + answer, at + size
        return bytes.fromhex(out)

    def test_all_levels_and_strategies(self):
        dice = random.Random(SEED)
        for name, content in self.contents().items():
            for level, strategy in ((1, zlib.Z_DEFAULT_STRATEGY), (9, zlib.Z_DEFAULT_STRATEGY), (0, 0), (6, zlib.Z_FIXED),
                                    (6, zlib.Z_HUFFMAN_ONLY), (6, zlib.Z_RLE)):
                coder = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
                stream = b''
                for at in range(0, max(1, len(content)), 20000):
                    stream += coder.compress(content[at:at + 20000]) + coder.flush(zlib.Z_SYNC_FLUSH)
                for chunks, size in (('whole', lambda: 1 << 20), ('random', lambda: dice.randint(1, 3000))):
                    with self.subTest(name, level=level, strategy=strategy, chunks=chunks):
                        self.assertEqual(self.inflate(stream, size), content)

    def test_single_bytes(self):
        content = self.contents()['text'][:6000]
        coder = zlib.compressobj(9, zlib.DEFLATED, -15)
        stream = coder.compress(content) + coder.flush(zlib.Z_SYNC_FLUSH)
        self.assertEqual(self.inflate(stream, lambda: 1), content)

    def test_what_is_no_deflate(self):
        coder = zlib.compressobj(9, zlib.DEFLATED, -15)
        ended = coder.compress(b'abc') + coder.flush(zlib.Z_FINISH)
        for stream in (b'\x07', b'\x00\x05\x00\x05\x00', ended, b'\x04' + b'\xff' * 40, b'\x02\x03\x00'):
            self.ask('inflate')
            self.assertEqual(self.ask('in', stream.hex()), 'bad', stream)

    def test_damaged_streams_end_in_bad_or_in_bytes(self):
        dice = random.Random(SEED)
        coder = zlib.compressobj(9, zlib.DEFLATED, -15)
        stream = coder.compress(self.contents()['text'][:5000]) + coder.flush(zlib.Z_SYNC_FLUSH)
        bad = 0
        for _ in range(300):
            data = bytearray(stream)
            for _ in range(dice.randint(1, 5)):
                data[dice.randrange(len(data))] = dice.getrandbits(8)
            self.ask('inflate')
            answer = self.ask('in', bytes(data).hex())
            bad += answer == 'bad'
            if answer != 'bad':
                bytes.fromhex(answer)
        self.assertGreater(bad, 50)


class WindowsPaths(Probe):
    def parse(self, path, root='C:\\in'):
        return self.ask('path', path.encode('utf-8').hex(), root.encode('utf-8').hex())

    def test_places(self):
        for path, found in {
                'C:\\dir\\file.txt': 'C:\\dir|file.txt', 'C:/dir/file.txt': 'C:\\dir|file.txt', 'c:\\f': 'C:\\|f',
                'C:\\': 'C:\\|', 'C:\\dir\\': 'C:\\dir|', 'C:\\dir\\.': 'C:\\dir|', 'C:\\a\\..\\f': 'C:\\|f',
                'C:\\..\\..\\f': 'C:\\|f', 'C:\\a\\b\\..': 'C:\\a|', 'f': 'C:\\in|f', 'a\\f': 'C:\\in\\a|f',
                './f': 'C:\\in|f', '..\\f': 'C:\\|f', '.': 'C:\\in|', '\\tmp\\f': 'C:\\tmp|f', '/tmp/f': 'C:\\tmp|f',
                '\\\\server\\share\\a\\f': '\\\\server\\share\\a|f', '//server/share/f': '\\\\server\\share\\|f',
                '\\\\server\\share': '\\\\server\\share\\|', '\\\\server\\share\\..\\f': '\\\\server\\share\\|f',
                '\\\\?\\C:\\dir\\f': 'C:\\dir|f', '\\\\?\\UNC\\server\\share\\f': '\\\\server\\share\\|f',
                'C:\\\u00fc \u20ac\\\U0001f600': 'C:\\\u00fc \u20ac|\U0001f600', 'C:\\100%25\\a%b%': 'C:\\100%25|a%b%',
                'C:\\.hidden': 'C:\\|.hidden', 'C:\\nulls': 'C:\\|nulls', 'C:\\com': 'C:\\|com', 'C:\\com10': 'C:\\|com10',
                'C:\\' + 'd\\' * 200 + 'f': 'C:\\' + 'd\\' * 199 + 'd|f'}.items():
            with self.subTest(path):
                self.assertEqual(self.parse(path), 'place ' + found)
        self.assertEqual(self.parse('f', 'D:\\'), 'place D:\\|f')
        self.assertEqual(self.parse('\\f', '\\\\server\\share\\in'), 'place \\\\server\\share\\|f')

    def test_null_device(self):
        for path in ('NUL', 'nul', 'C:\\dir\\NUL', '\\\\.\\NUL', '//./nul'):
            self.assertEqual(self.parse(path), 'device', path)

    def test_characters_without_weight(self):
        """A comparison by the rules of a language passes over U+00AD, U+200D and the like; CreateFile does not. What
        begins or ends with one must not be taken for what begins or ends without."""
        for mark in ('\u00ad', '\u200d', '\u200b', '\ufeff', '\u2060'):
            for path, found in {
                    'C:\\dir\\' + mark: 'C:\\dir|' + mark, 'C:\\dir\\dot.' + mark: 'C:\\dir|dot.' + mark,
                    'C:\\dir\\space ' + mark: 'C:\\dir|space ' + mark, 'C:\\C' + mark + 'ON': 'C:\\|C' + mark + 'ON',
                    'C:\\COM' + mark + '1': 'C:\\|COM' + mark + '1', 'C:\\' + mark + 'NUL': 'C:\\|' + mark + 'NUL',
                    '~' + mark + '/f': 'C:\\in\\~' + mark + '|f', mark + '~/f': 'C:\\in\\' + mark + '~|f',
                    mark + '\\\\server\\share\\f': 'C:\\in\\' + mark + '\\server\\share|f',
                    '\\' + mark + '\\server\\share\\f': 'C:\\' + mark + '\\server\\share|f'}.items():
                with self.subTest(ascii(path)):
                    self.assertEqual(self.parse(path), 'place ' + found)
            for path in ('\\\\' + mark + '?\\C:\\f', '\\\\?' + mark + '\\C:\\f', '\\\\.\\NUL' + mark):
                with self.subTest(ascii(path)):
                    self.assertEqual(self.parse(path), 'bad-name')
        self.assertEqual(self.parse('f', 'C:\\in\\\u00ad'), 'place C:\\in\\\u00ad|f')

    def test_names_windows_does_not_take(self):
        for name in ('a<b', 'a>b', 'a"b', 'a|b', 'a?b', 'a*b', 'a:b', 'f:stream', 'tab\there', '\x01', 'dot.', 'space ',
                     '...', 'CON', 'con.txt', 'PRN', 'AUX.tar.gz', 'NUL.txt', 'COM1', 'com9.log', 'LPT1', 'COM\u00b9',
                     'CONIN$', 'con .txt'):
            for path in ('C:\\dir\\' + name, name + '\\f', name):
                with self.subTest(path):
                    self.assertEqual(self.parse(path), 'bad-name')
        for path in ('C:f', '1:\\f', '\\\\server', '\\\\server\\', '\\\\', '\\\\?\\', '//?/', '\\\\?\\UNC\\',
                     '\\\\.\\', '\\\\.\\COM3', '\\\\.\\PhysicalDrive0'):
            with self.subTest(path):
                self.assertEqual(self.parse(path), 'bad-name')
        self.assertEqual(self.parse('C:\\' + 'n' * 255), 'place C:\\|' + 'n' * 255)
        self.assertEqual(self.parse('C:\\' + 'n' * 256), 'name-too-long')
        self.assertEqual(self.parse('C:\\' + 'dir\\' * 9000 + 'f'), 'name-too-long')


MARK = re.compile(r'^// ---- (\w+)\.cs -+$', re.M)


def parts(script):
    """Name and text of what the script was put together from, in order."""
    windows.assemble()
    head, *found = MARK.split(windows.read(script).replace('\n}\n\'@\n', '\n// ---- end.cs ----\n}\n\'@\n'))
    return [('head', head)] + list(zip(found[::2], found[1::2]))


class Source(unittest.TestCase):
    def test_compiles_as_a_library_of_c_sharp_3(self):
        for name, script in (('library', SCRIPT), ('shipped', SHIPPED)):
            compiled(name, [], '-t:library', script=script)

    def test_shipped_is_tested_but_for_the_posix_parts(self):
        posix = sorted(name[:-3] for name in os.listdir(os.path.join(windows.HERE, 'posix')))
        self.assertEqual(posix, ['Libc', 'PosixDevice', 'PosixFile', 'PosixPlatform'])
        tested = parts(SCRIPT)
        self.assertLessEqual(set(posix), {name for name, _ in tested})
        self.assertEqual([part for part in tested if part[0] not in posix], parts(SHIPPED))
        for word in ('Posix', 'Libc', '"libc"'):
            self.assertNotIn(word, windows.read(SHIPPED))

    def test_licence_and_version(self):
        text = windows.read(SHIPPED)
        version = json.loads(windows.read(os.path.join(windows.REPOSITORY, 'package.json')))['version']
        self.assertIn('Guestwire %s:' % version, text.split('\n')[0])
        self.assertIn('Version = "%s"' % version, text)
        head = ' '.join(line[1:].strip() for line in text.split('\n') if line.startswith('#'))
        licence = windows.read(os.path.join(windows.REPOSITORY, 'LICENSE'))
        self.assertIn(' '.join(licence.split()), ' '.join(head.split()))

    def test_is_plain_text_with_one_here_string(self):
        """Windows PowerShell reads a script without a byte order mark in the
        system's code page."""
        for script in (SCRIPT, SHIPPED):
            text = windows.read(script)
            text.encode('ascii')
            self.assertEqual((text.count("\n'@"), text.count("@'\n")), (1, 1))
            self.assertNotIn('\r', text)
            self.assertGreater(len(engine_source(script)), 100000)


if __name__ == '__main__':
    unittest.main()
