"""What transfers.json holds: section 6 of PROTOCOL.md as frames and files.

The DEFLATE blocks are built bit by bit, not by a compressor: every version of
zlib compresses a little differently, and the vectors must not depend on it.
So are the frames of zstd, but for two compressed blocks that are written down.
"""

import hashlib
import struct
import zlib

DATA, COPY, ENCODED = 0x11, 0x12, 2
SYNC = b'\0\0\0\xff\xff'                    # an empty stored block, where a block ended on a whole byte

# RFC 1951, 3.2.5: (smallest value, extra bits) of each code
LENGTHS = [(3 + n, 0) for n in range(8)] + [
    (11 + (n % 4) * (2 << n // 4) + 8 * ((1 << n // 4) - 1), n // 4 + 1) for n in range(20)] + [(258, 0)]
DISTANCES = [(1, 0), (2, 0)] + [(1 + (2 + n % 2 << n // 2), n // 2) for n in range(28)]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


NAME = 'some file.bin'
PARTIAL_NAME = '.guestwire-%s.partial' % sha256(NAME.encode())[:8]


class Bits:
    def __init__(self):
        self.bits = []

    def number(self, value, count):
        self.bits += [value >> n & 1 for n in range(count)]

    def code(self, value, count):
        self.bits += [value >> n & 1 for n in reversed(range(count))]

    def symbol(self, value):
        """With the fixed code, RFC 1951, 3.2.6."""
        if value < 144:
            self.code(0x30 + value, 8)
        elif value < 256:
            self.code(0x190 + value - 144, 9)
        elif value < 280:
            self.code(value - 256, 7)
        else:
            self.code(0xc0 + value - 280, 8)

    def match(self, length, distance):
        index = max(n for n, (least, _) in enumerate(LENGTHS) if least <= length)
        self.symbol(257 + index)
        self.number(length - LENGTHS[index][0], LENGTHS[index][1])
        index = max(n for n, (least, _) in enumerate(DISTANCES) if least <= distance)
        self.code(index, 5)
        self.number(distance - DISTANCES[index][0], DISTANCES[index][1])

    def bytes(self):
        self.bits += [0] * (-len(self.bits) % 8)
        return bytes(sum(bit << n for n, bit in enumerate(self.bits[at:at + 8]))
                     for at in range(0, len(self.bits), 8))


def fixed(*items):
    """A piece of one block with the fixed codes: bytes, and (length, distance)."""
    out = Bits()
    out.number(0b010, 3)                    # not the last block, fixed codes
    for item in items:
        if isinstance(item, tuple):
            out.match(*item)
        else:
            for byte in item:
                out.symbol(byte)
    out.symbol(256)
    out.number(0, 3)                        # an empty stored block: the rest of SYNC
    return out.bytes() + SYNC[1:]


def stored(data):
    return b'\0' + struct.pack('<HH', len(data), 0xffff - len(data)) + data + SYNC


TEXT = b''.join(b'line %d of a text with words that come again and again\n' % n for n in range(12))
# of a compressor that chose codes of its own for TEXT; `content` below looks if it is still that
DYNAMIC = bytes.fromhex(
    '9cd2cb0980301084e1bb554c09be1fe52c66358198802ec4f245acc0b9cde53bcd1f4352d4c81b04a6b7a104f3'
    '28f97417cc8b61cd874276090992dcb7aaf8aa86522da53a4af5941a2835526aa2d44ca9857b998ce3771d0f00'
    '0000ffff')


# RFC 8878
ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
RAW, RLE, COMPRESSED, RESERVED = range(4)


def window(log):
    """A frame's beginning: no content size, no checksum, a window of 2 ** log bytes."""
    return ZSTD_MAGIC + bytes([0, log - 10 << 3])


def block(kind, size, content, last=0):
    return struct.pack('<I', size << 3 | kind << 1 | last)[:3] + content


def raw(content, last=0):
    return block(RAW, len(content), content, last)


LAST = raw(b'', 1)
# of a compressor, at level 19: TEXT, and then its bytes from the hundredth on and `!`, which refers to the first
ZSTD_TEXT = bytes.fromhex(
    'c40200b2430d11a06fc03e5bfffa465535f9e407eeb7860742a8848e296408c0a8378dfebcdbacabdfe1f765b6e2861f'
    '717f6edfdeae76e846a30c0da010f0fa7f0f801303f3694604e1d4a9a74e9d7aea24a74eddc9147c87b803')
ZSTD_AGAIN = bytes.fromhex('4c0000082101002352540208')


def inflated(*pieces):
    return zlib.decompressobj(-15).decompress(b''.join(pieces))


def runs(*parts):
    """Bytes as the vectors write them: parts, each repeated."""
    parts = [p if isinstance(p, tuple) else (p, 1) for p in parts]
    return [{'hex': data.hex(), 'times': times} for data, times in parts if data and times]


def joined(parts):
    return b''.join(bytes.fromhex(p['hex']) * p['times'] for p in parts)


def data(offset, content, flags=0):
    return {'type': DATA, 'flags': flags, 'payload': (struct.pack('>Q', offset) + content).hex()}


def encoded(offset, content):
    return data(offset, content, ENCODED)


def copy(offset, *ranges):
    packed = b''.join(struct.pack('>QI', *r) for r in ranges)
    return {'type': COPY, 'flags': 0, 'payload': (struct.pack('>Q', offset) + packed).hex()}


def case(name, description, frames, result, put=None, accept=None, basis=None, mtime=None, partial=None,
         left=None, end=None):
    """`result`: the content as runs, or the code of the error, or `unchanged`."""
    good, skipped = isinstance(result, list), result == 'unchanged'
    if end is None:
        whole = joined(result) if good else b''
        end = {'verb': 'commit', 'size': str(len(whole)), 'sha256': sha256(whole)}
    return {'name': name, 'description': description, 'existing': basis, 'existingMtime': mtime,
            'partial': partial, 'put': put or {}, 'accept': accept or {}, 'frames': frames, 'end': end,
            'skipped': result if skipped else None, 'code': None if good or skipped else result,
            'content': result if good else basis, 'left': left}


def encodings():
    deflate = {'encoding': 'deflate'}
    hello, again = fixed(b'hello, hello\n'), fixed((13, 13), b'!')
    far = stored(bytes(range(256)) * 128)
    cut = fixed(b'cut anywhere', (20, 8), b'.')
    zeros = fixed(b'\0', *[(258, 1)] * 1200)
    several = inflated(hello, again)
    crossing = fixed(b'abcdef')
    return [
        case('plain', 'encoding=deflate obliges to nothing', [data(0, b'plain')], runs(b'plain'), deflate),
        case('one piece, stored', 'a stored block', [encoded(0, stored(b'stored'))], runs(b'stored'), deflate),
        case('one piece, fixed codes', 'a block with the fixed codes', [encoded(0, hello)], runs(b'hello, hello\n'),
             deflate),
        case('one piece, own codes', 'a block with dynamic codes', [encoded(0, DYNAMIC)], runs(TEXT), deflate),
        case('a piece in frames', 'all have the offset of the first, wherever the piece is cut',
             [encoded(0, cut[n:n + 1]) for n in range(len(cut))] + [data(len(inflated(cut)), b'end')],
             runs(inflated(cut) + b'end'), deflate),
        case('two pieces', 'the second refers to bytes of the first: the stream goes on',
             [encoded(0, hello), encoded(13, again)], runs(several), deflate),
        case('two pieces at one offset', 'a frame more of the same piece, as far as a receiver can tell',
             [encoded(0, hello), encoded(0, again)], runs(several), deflate),
        case('plain between pieces', 'plain bytes do not enter the window: the second piece refers to the first',
             [encoded(0, hello), data(13, b'0123456789'), encoded(23, again)],
             runs(b'hello, hello\n0123456789' + several[13:]), deflate),
        case('a piece of nothing', 'the empty stored block alone', [encoded(0, SYNC), encoded(0, hello),
                                                                      encoded(13, SYNC), data(13, b'x')],
             runs(b'hello, hello\nx'), deflate),
        case('frames of an offset only', 'nothing behind it', [encoded(0, b''), data(0, b''), data(0, b'x')],
             runs(b'x'), deflate),
        case('32 KiB back', 'the whole window, the longest match',
             [encoded(0, far[at:at + 8192]) for at in range(0, len(far), 8192)]
             + [encoded(32768, fixed((258, 32768), (3, 32768)))],
             runs((bytes(range(256)), 128), bytes(range(256)) + b'\0\1\2\3\4'), deflate),
        case('much from little', 'more than a step of a receiver should make at once',
             [encoded(0, zeros), data(309601, b'x')], runs((b'\0', 309601), b'x'), deflate),
        case('flag without encoding', 'the put did not announce it', [encoded(0, hello)], 'bad-request'),
        case('unknown encoding', 'refused at once', [], 'unsupported', {'encoding': 'none'}),
        case('offset of the piece before', 'a plain frame stands in between',
             [encoded(0, hello), data(13, b'x'), encoded(0, again)], 'bad-request', deflate),
        case('encoded frame ahead', 'a gap', [encoded(0, crossing), encoded(7, crossing)], 'bad-request', deflate),
        case('plain frame behind', 'the offset of the piece is not its', [encoded(0, crossing), data(0, b'x')],
             'bad-request', deflate),
        case('no such block type', 'type 3', [encoded(0, b'\6')], 'bad-data', deflate),
        case('stored length and its complement', 'differ', [encoded(0, b'\0\1\0\0\0x')], 'bad-data', deflate),
        case('too far back', 'before the first byte of the stream', [encoded(0, fixed(b'ab', (3, 3)))], 'bad-data',
             deflate),
        case('more than announced', 'by one byte', [encoded(0, hello)], 'size-mismatch', dict(deflate, size='12')),
        case('much more than announced', 'found out before it is written', [encoded(0, zeros)], 'size-mismatch',
             dict(deflate, size='1000')),
        case('less than announced by commit', 'one byte is missing', [encoded(0, hello)], 'size-mismatch', deflate,
             end={'verb': 'commit', 'size': '14', 'sha256': sha256(b'')}),
    ]


def zstd_encodings():
    zstd, start = {'encoding': 'zstd'}, window(11)
    text, again = start + ZSTD_TEXT, TEXT[100:] + b'!'
    small = start + raw(b'raw, raw\n')
    both = text + ZSTD_AGAIN
    zeros = window(20) + block(RLE, 1 << 17, b'\0') * 3
    return [
        case('plain', 'encoding=zstd obliges to nothing', [data(0, b'plain')], runs(b'plain'), zstd),
        case('one piece, raw', 'a raw block', [encoded(0, small)], runs(b'raw, raw\n'), zstd),
        case('one piece, compressed', 'a compressed block', [encoded(0, text)], runs(TEXT), zstd),
        case('a piece in frames', 'all have the offset of the first, wherever the piece is cut',
             [encoded(0, text[n:n + 1]) for n in range(len(text))] + [data(len(TEXT), b'end')], runs(TEXT + b'end'), zstd),
        case('two pieces', 'the second refers to bytes of the first: the stream goes on',
             [encoded(0, text), encoded(len(TEXT), ZSTD_AGAIN)], runs(TEXT + again), zstd),
        case('two pieces at one offset', 'a frame more of the same piece, as far as a receiver can tell',
             [encoded(0, text), encoded(0, ZSTD_AGAIN)], runs(TEXT + again), zstd),
        case('two pieces in one frame', 'the same', [encoded(0, both)], runs(TEXT + again), zstd),
        case('plain between pieces', 'plain bytes do not enter the window: the second piece refers to the first',
             [encoded(0, text), data(len(TEXT), b'0123456789'), encoded(len(TEXT) + 10, ZSTD_AGAIN)],
             runs(TEXT + b'0123456789' + again), zstd),
        case('a piece of nothing', 'an empty raw block', [encoded(0, start + raw(b'')), encoded(0, raw(b'x')),
                                                          encoded(1, raw(b'')), data(1, b'y')], runs(b'xy'), zstd),
        case('frames of an offset only', 'nothing behind it', [encoded(0, b''), data(0, b''), data(0, b'x')],
             runs(b'x'), zstd),
        case('a second frame of zstd', 'the first one is ended where the piece with the second begins',
             [encoded(0, text), encoded(len(TEXT), LAST + small)], runs(TEXT + b'raw, raw\n'), zstd),
        case('frames of zstd that end with their piece', 'and the last of them ends too',
             [encoded(0, start + raw(b'one', 1)), encoded(3, start + raw(b'two', 1))], runs(b'onetwo'), zstd),
        case('many frames of zstd in a piece', 'some of them of nothing',
             [encoded(0, b''.join(start + raw(b'%d' % n, 1) + start + LAST for n in range(50)))],
             runs(b''.join(b'%d' % n for n in range(50))), zstd),
        case('a window of 8 MiB', 'is the largest', [encoded(0, window(23) + raw(b'x'))], runs(b'x'), zstd),
        case('much from little', 'more than a step of a receiver should make at once',
             [encoded(0, zeros), data(3 << 17, b'x')], runs((b'\0', 3 << 17), b'x'), zstd),
        case('flag without encoding', 'the put did not announce it', [encoded(0, text)], 'bad-request'),
        case('offset of the piece before', 'a plain frame stands in between',
             [encoded(0, small), data(9, b'x'), encoded(0, raw(b'x'))], 'bad-request', zstd),
        case('encoded frame ahead', 'a gap', [encoded(0, small), encoded(10, raw(b'x'))], 'bad-request', zstd),
        case('no frame of zstd', 'but a piece of DEFLATE', [encoded(0, fixed(b'hello, hello'))], 'bad-data', zstd),
        case('no such block type', 'type 3', [encoded(0, start + block(RESERVED, 1, b'x'))], 'bad-data', zstd),
        case('too far back', 'before the first byte of the stream', [encoded(0, start + ZSTD_AGAIN)], 'bad-data', zstd),
        case('back into another frame of zstd', 'what it held is gone',
             [encoded(0, text), encoded(len(TEXT), LAST + start + ZSTD_AGAIN)], 'bad-data', zstd),
        case('a window of 16 MiB', 'is more than a receiver need hold', [encoded(0, window(24) + raw(b'x'))],
             'bad-data', zstd),
        case('a single segment of 16 MiB', 'would be its own window',
             [encoded(0, ZSTD_MAGIC + b'\xa0' + struct.pack('<I', 1 << 24) + raw(b'x'))], 'bad-data', zstd),
        case('more than announced', 'by one byte', [encoded(0, small)], 'size-mismatch', dict(zstd, size='8')),
        case('much more than announced', 'found out before it is written', [encoded(0, zeros)], 'size-mismatch',
             dict(zstd, size='1000')),
        case('less than announced by commit', 'one byte is missing', [encoded(0, small)], 'size-mismatch', zstd,
             end={'verb': 'commit', 'size': '10', 'sha256': sha256(b'')}),
    ]


def deltas():
    basis, old = {'basis': '1', 'conflict': 'overwrite'}, bytes(range(200))
    there, told = runs(old), {'basis': '200'}
    piece = fixed(b'new ', (6, 4))
    end = {'verb': 'commit', 'size': '4', 'sha256': sha256(b'XXXX')}

    def good(name, description, frames, result, **more):
        return case(name, description, frames, runs(result), dict(basis, **more), told, there)

    def bad(name, description, frames, code, put=basis, accept=told, **more):
        return case(name, description, frames, code, put, accept, there, **more)

    return [
        good('the whole', 'one range', [copy(0, (0, 200))], old),
        good('ranges in any order', 'twice the same, overlapping', [copy(0, (100, 50), (0, 50), (25, 50), (100, 50))],
             old[100:150] + old[:50] + old[25:75] + old[100:150]),
        good('ranges of nothing', 'also at the very end', [copy(0, (0, 0), (200, 0), (199, 1), (7, 0))], old[199:]),
        good('new bytes around', 'COPY and DATA as the host likes',
             [data(0, b'before'), copy(6, (0, 100)), data(106, b''), data(106, b'between'), copy(113, (100, 100)),
              data(213, b'after')], b'before' + old[:100] + b'between' + old[100:] + b'after'),
        good('encoded bytes around', 'copied bytes do not enter the window either',
             [encoded(0, piece), copy(10, (5, 20)), encoded(30, fixed((4, 10))), copy(34, (0, 1))],
             b'new new ne' + old[5:25] + b'new ' + old[:1], encoding='deflate'),
        good('nothing of it', 'a basis need not be used', [data(0, b'all new')], b'all new'),
        case('empty basis', 'is one', [copy(0, (0, 0)), data(0, b'x')], runs(b'x'), basis, {'basis': '0'}, []),
        case('no file there', 'then no basis', [data(0, b'x')], runs(b'x'), basis),
        case('no file there, COPY', 'there is nothing to copy from', [copy(0, (0, 0))], 'bad-request', basis),
        bad('COPY without basis=1', 'a file there does not make a basis', [copy(0, (0, 1))], 'bad-request',
            {'conflict': 'overwrite'}, {}),
        bad('range over the end', 'by one byte', [copy(0, (199, 2))], 'bad-request'),
        bad('range behind the end', 'even of nothing', [copy(0, (201, 0))], 'bad-request'),
        bad('range over 64 bits', 'the sum is 1 if it is not looked at', [copy(0, (2 ** 64 - 1, 2))], 'bad-request'),
        bad('second range over the end', '', [copy(0, (0, 1), (200, 1))], 'bad-request'),
        bad('no range', 'an offset only', [copy(0)], 'bad-request'),
        bad('half a range', '11 of 12 bytes',
            [{'type': COPY, 'flags': 0, 'payload': copy(0, (0, 1))['payload'][:-2]}], 'bad-request'),
        bad('no offset', '7 bytes', [{'type': COPY, 'flags': 0, 'payload': '00' * 7}], 'bad-request'),
        bad('offset ahead', 'a gap', [copy(1, (0, 1))], 'bad-request'),
        bad('offset of an encoded piece', 'is for encoded frames only',
            [encoded(0, fixed(b'ab')), copy(0, (0, 1))], 'bad-request', dict(basis, encoding='deflate')),
        bad('offset of the piece before', 'a COPY stands in between',
            [encoded(0, fixed(b'ab')), copy(2, (0, 1)), encoded(0, fixed(b'ab'))], 'bad-request',
            dict(basis, encoding='deflate')),
        bad('more than announced', 'by one byte', [copy(0, (0, 101))], 'size-mismatch', dict(basis, size='100')),
        bad('wrong block', 'what commit is there for', [copy(0, (0, 4))], 'hash-mismatch', end=end),
    ]


def resumptions():
    old, name = bytes(range(256)) * 4, {'resume': '1'}
    there, told = runs((bytes(range(256)), 4)), {'partial': '1024', 'partial-sha256': sha256(old)}
    much = runs((bytes(range(256)), 256))

    def good(title, description, frames, result, put=name, accept=told, **more):
        return case(title, description, frames, result, put, accept, partial=there, **more)

    return [
        case('nothing there', 'an ordinary put', [data(0, b'x')], runs(b'x'), name),
        case('an empty one', 'is not offered', [data(0, b'x')], runs(b'x'), name, partial=[]),
        good('goes on', 'with the offset told', [data(1024, b'rest')], runs((bytes(range(256)), 4), b'rest'),
             dict(name, size='1028')),
        good('goes on with an encoded frame', 'the DEFLATE stream is new', [encoded(1024, fixed(b'rest'))],
             runs((bytes(range(256)), 4), b'rest'), dict(name, encoding='deflate')),
        case('goes on with COPY', 'of the file that has the name', [copy(1024, (0, 3))],
             runs((bytes(range(256)), 4), b'old'), dict(name, basis='1', conflict='overwrite'),
             dict(told, basis='3'), runs(b'old'), partial=there),
        good('whole already', 'commit follows at once', [], there, dict(name, size='1024')),
        good('begins anew', 'with offset 0: what was there is dropped', [data(0, b'other')], runs(b'other')),
        good('begins anew, encoded', 'in two frames of a piece',
             [encoded(0, fixed(b'other')[:4]), encoded(0, fixed(b'other')[4:])], runs(b'other'),
             dict(name, encoding='deflate')),
        good('an empty file', 'only commit can tell', [], runs()),
        good('larger than announced', 'is not offered', [data(0, b'abc')], runs(b'abc'), dict(name, size='1023'), {}),
        good('without resume=1', 'it stays where it is', [data(0, b'abc')], runs(b'abc'), {}, {}, left=there),
        good('neither 0 nor what was told', 'and then it is gone', [data(1023, b'x')], 'bad-request'),
        good('wrong hash', 'the whole is not what the host has', [data(1024, b'x')], 'hash-mismatch',
             end={'verb': 'commit', 'size': '1025', 'sha256': sha256(b'')}),
        good('cancel', 'nothing is left', [], 'cancelled', end={'verb': 'cancel'}),
        good('cancel, keep=1, too few', 'less than 65,536 bytes are not kept', [], 'cancelled',
             end={'verb': 'cancel', 'keep': '1'}),
        case('cancel, keep=1', '65,536 bytes are', [data(0, bytes(range(256)) * 8)] + [
            data(2048 * n, bytes(range(256)) * 8) for n in range(1, 32)], 'cancelled', name, left=much,
             end={'verb': 'cancel', 'keep': '1'}),
        case('cancel, keep=1, of a kept one', 'as it was', [], 'cancelled', name,
             {'partial': '65536', 'partial-sha256': sha256(bytes(range(256)) * 256)}, partial=much, left=much,
             end={'verb': 'cancel', 'keep': '1'}),
        case('cancel of a kept one', 'it goes', [], 'cancelled', name,
             {'partial': '65536', 'partial-sha256': sha256(bytes(range(256)) * 256)}, partial=much,
             end={'verb': 'cancel'}),
    ]


def quick_checks():
    there = runs(b'same')

    def check(name, description, mtime, result='unchanged', put_mtime='1700000000.25', size='4', **more):
        put = {'unchanged': 'skip', 'conflict': 'overwrite', 'size': size, 'mtime': put_mtime}
        put.update(more)
        content = b'new content'[:int(size)]
        frames = [] if isinstance(result, str) else [data(0, content)]
        return case(name, description, frames, result if isinstance(result, str) else runs(content),
                    {k: v for k, v in put.items() if v}, basis=there, mtime=mtime)

    other = []
    return [
        check('the same', 'size and mtime', '1700000000.25'),
        check('the same, conflict=fail', 'looked at before conflict', '1700000000.25', conflict='fail'),
        check('digits lost', 'less than a microsecond is not compared', '1700000000.25', put_mtime='1700000000.2500009'),
        check('before 1970', 'rounded down there too', '-1.5', put_mtime='-1.4999991'),
        check('a microsecond later', 'is another', '1700000000.250001', other),
        check('a microsecond earlier', 'is another', '1700000000.249999', other),
        check('another size', 'is another', '1700000000.25', other, size='5'),
        check('no mtime', 'then never', '1700000000.25', other, put_mtime=''),
        check('conflict after it', 'another file is what conflict says', '1600000000', 'exists', conflict='fail'),
        check('unknown value', 'refused at once', '1700000000.25', 'unsupported', unchanged='maybe'),
    ]


def signatures():
    def one(name, content, block, description=''):
        whole, entries = joined(content), b''
        for at in range(0, len(whole), block):
            part = whole[at:at + block]
            entries += struct.pack('>I', zlib.adler32(part)) + hashlib.sha256(part).digest()[:8]
        return {'name': name, 'description': description, 'content': content, 'block': str(block),
                'size': len(whole), 'entries': entries.hex(), 'sha256': sha256(whole), 'code': None}

    def bad(name, block):
        return {'name': name, 'description': 'refused at once', 'content': runs(b'x'), 'block': block, 'size': 1,
                'entries': '', 'sha256': '', 'code': 'bad-request'}

    ramp = bytes(range(256))
    return [
        one('empty file', [], 512, 'no entries, no DATA'),
        one('one byte', runs(b'a'), 512, 'Adler-32 is 00620062'),
        one('one whole block', runs((ramp, 2)), 512),
        one('a byte more', runs((ramp, 2), b'x'), 512, 'the last block is shorter'),
        one('a byte less', runs((ramp, 4), ramp[:255]), 1280),
        one('block of no power of two', runs((ramp, 8)), 700),
        one('largest block', runs((ramp, 3)), 4194304),
        one('sums that wrap', runs((b'\xff', 70000)), 65536, 'both sums go past 65,521'),
        one('more than a frame of entries', runs((ramp, 1000), b'end'), 512, '501 entries are 6,012 bytes'),
        bad('block too small', '511'), bad('block too large', '4194305'), bad('block of nothing', '0'),
        bad('block no number', 'x'), bad('no block', ''),
    ]


def content():
    assert inflated(DYNAMIC) == TEXT and DYNAMIC.endswith(SYNC[1:]) and DYNAMIC[0] & 6 == 4
    return {'encodings': encodings(), 'zstdEncodings': zstd_encodings(), 'deltas': deltas(), 'resumptions': resumptions(),
            'quickChecks': quick_checks(), 'signatures': signatures()}
