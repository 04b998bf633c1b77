"""Text payloads, frames and the parser, against the shared vectors."""

import ast
import os
import random
import re
import runpy
import tempfile
import unittest

from host import knock
from support import REPOSITORY, SEED, fields_of, parse, receiver, trace_frames, vectors


class Vectors(unittest.TestCase):
    def test_files_are_what_the_generator_makes(self):
        generate = runpy.run_path(os.path.join(REPOSITORY, 'test', 'vectors', 'generate.py'))
        with tempfile.TemporaryDirectory() as folder:
            generate['save'].__globals__['HERE'] = folder
            for name in ('trace', 'frames', 'streams', 'knocks', 'texts', 'transfers'):
                generate[name]()
                with open(os.path.join(folder, name + '.json')) as file:
                    self.assertEqual(receiver_json(file), vectors(name + '.json'), name)

    def test_document_has_the_trace(self):
        with open(os.path.join(REPOSITORY, 'guest', 'PROTOCOL.md'), encoding='utf-8') as file:
            section = file.read().split('## 8.')[1].split('```')[1]
        steps = re.split(r'^([→←]) (.*)$', section, flags=re.M)[1:]
        found = []
        for arrow, name, body in zip(steps[::3], steps[1::3], steps[2::3]):
            data = b''
            for part in re.findall(r'"[^"]*"|[0-9a-f]{2}', body):
                data += ast.literal_eval('b' + part) if part[0] == '"' else bytes.fromhex(part)
            found.append(('to-guest' if arrow == '→' else 'to-host', name, data.hex()))
        expected = [(f['direction'], f['name'], f['hex']) for f in vectors('trace.json')['steps']]
        self.assertEqual(found, expected)


def receiver_json(file):
    import json
    return json.load(file)


class Text(unittest.TestCase):
    def test_valid(self):
        for one in vectors('texts.json')['valid']:
            with self.subTest(one['name']):
                verb, fields = receiver.read_text(bytes.fromhex(one['hex']))
                self.assertEqual(verb, one['verb'])
                self.assertEqual([[k, v.hex()] for k, v in fields.items()], one['fields'])
                again = receiver.write_text(verb, fields.items())
                self.assertEqual(again.hex() == one['hex'], one['canonical'])
                self.assertEqual(receiver.read_text(again), (verb, fields))

    def test_invalid(self):
        for one in vectors('texts.json')['invalid']:
            with self.subTest(one['name']), self.assertRaises(receiver.BadText):
                receiver.read_text(bytes.fromhex(one['hex']))

    def test_values_of_all_kinds(self):
        text = receiver.write_text('x', [('a', 1), ('b', 'ü'), ('c', b'\xff'), ('d', os.fsdecode(b'\xfe'))])
        self.assertEqual(text, b'x\na=1\nb=%C3%BC\nc=%FF\nd=%FE\n')


class Encoding(unittest.TestCase):
    def test_frames(self):
        for one in vectors('frames.json')['frames'] + trace_frames():
            with self.subTest(one['name']):
                data = receiver.encode(one['type'], one['flags'], one['stream'], one['session'],
                                       one['sequence'], bytes.fromhex(one['payload']))
                self.assertEqual(data.hex(), one['hex'])
                parser = receiver.Parser(16384)
                frames = parse(parser, data)
                self.assertEqual([fields_of(f) for f in frames],
                                 [{k: one[k] for k in fields_of(frames[0])}])
                self.assertEqual((parser.dropped, parser.kept), (0, 0))


class Streams(unittest.TestCase):
    def run_case(self, case, chunk_sizes):
        knocks, frames = [], []
        parser = receiver.Parser(case['limit'], knocked=knocks.append)
        for item in case['input']:
            if item.get('idle'):
                parser.idle()
                frames += [fields_of(f) for f in parser.frames()]
                continue
            data, at = bytes.fromhex(item['hex']), 0
            while at < len(data):
                size = chunk_sizes()
                frames += [fields_of(f) for f in parse(parser, data[at:at + size])]
                at += size
        self.assertEqual(frames, case['frames'])
        self.assertEqual(knocks, case.get('knocks', []), 'knocks')
        self.assertEqual(parser.dropped, case['dropped'], 'dropped')
        self.assertEqual(parser.kept, case['kept'], 'kept')

    def test_vectors(self):
        dice = random.Random(SEED)
        for case in vectors('streams.json')['streams']:
            small = sum(len(i.get('hex', '')) for i in case['input']) < 10000
            sizes = [('whole', lambda: 1 << 20), ('random', lambda: dice.randint(1, 60)),
                     ('large', lambda: dice.randint(1, 5000))]
            if small:
                sizes.append(('single bytes', lambda: 1))
            for name, size in sizes:
                with self.subTest(case['name'], chunks=name):
                    self.run_case(case, size)

    def test_knocks(self):
        dice = random.Random(SEED)
        for case in vectors('knocks.json')['streams']:
            for name, size in (('whole', lambda: 1 << 20), ('single bytes', lambda: 1),
                               ('random', lambda: dice.randint(1, 60))):
                with self.subTest(case['name'], chunks=name):
                    self.run_case(case, size)
            for at in range(1, min(400, max(len(i.get('hex', '')) // 2 for i in case['input']))):
                first = [at]
                with self.subTest(case['name'], cut_at=at):
                    self.run_case(case, lambda: first.pop() if first else 1 << 20)


class Knocks(unittest.TestCase):
    def test_texts(self):
        for one in vectors('knocks.json')['texts']:
            self.assertEqual(receiver.nonce_of(one['text'].encode()), one['nonce'])
            self.assertEqual(knock(one['nonce']), one['text'].encode(), "the tests' own host")

    def test_noise_that_looks_like_knocks(self):
        """Beside a search through all of it at once."""
        dice, found = random.Random(SEED), []
        pieces = [knock(1), knock(2), b'4757', b'47', b'4', b'0000000001', knock(3)[:20], knock(1)[1:], b'x', b'\xf5']
        for _ in range(300):
            parser = receiver.Parser(4096, knocked=found.append)
            noise, at, found[:] = b''.join(dice.choice(pieces) for _ in range(60)) + b'end', 0, []
            while at < len(noise):
                size = dice.randint(1, 50)
                parse(parser, noise[at:at + size])
                at += size
            self.assertEqual(found, [int(noise[n + 4:n + 14]) for n in range(len(noise))
                                     if noise[n:n + 24] in (knock(1), knock(2))])
            self.assertLess(len(parser._knocks.tail), 24)


class Buffers(unittest.TestCase):
    """The parser's chunks while the worker still holds payloads."""

    def frame(self, number, size):
        return receiver.encode(receiver.DATA, 0, 1, 1, number, bytes([number % 251]) * size)

    def test_lent_payloads_stay_whole(self):
        dice = random.Random(SEED)
        parser, held, checked = receiver.Parser(65536, 65536), [], 0
        stream = b''.join(self.frame(n, dice.randint(1, 65536)) for n in range(300))
        at = number = 0
        while at < len(stream):
            space = parser.space()
            size = min(len(space), dice.randint(1, 100000), len(stream) - at)
            space[:size] = stream[at:at + size]
            parser.filled(size)
            at += size
            for frame in parser.frames():
                self.assertEqual(frame.sequence, number)
                frame.chunk.lent += 1
                held.append((number, frame))
                number += 1
            while len(held) > 10 or (held and dice.random() < 0.3):
                wanted, frame = held.pop(0)
                self.assertEqual(set(bytes(frame.payload)), {wanted % 251})
                frame.chunk.returned += 1
                checked += 1
        self.assertEqual((number, parser.dropped), (300, 0))
        self.assertGreater(checked, 250)
        self.assertLess(len(parser._pool), 12)

    def test_buffer_does_not_grow_with_noise(self):
        parser = receiver.Parser(4096)
        dice = random.Random(SEED)
        for _ in range(200):
            parse(parser, dice.getrandbits(8 * 10000).to_bytes(10000, 'big'))
        self.assertLess(parser.kept, 24 + 16384 + 4)
        self.assertEqual(len(parser._pool), 0)
        self.assertLess(parser._size, 100000)

    def test_limit_of_the_reader(self):
        for announced, taken in ((4096, 16384), (65536, 65536)):
            parser = receiver.Parser(announced)
            self.assertEqual(len(parse(parser, self.frame(1, taken))), 1)
            self.assertEqual(len(parse(parser, self.frame(1, taken + 1))), 0)


if __name__ == '__main__':
    unittest.main()
