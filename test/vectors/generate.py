#!/usr/bin/env python3
"""Writes the protocol's test vectors (then: npx biome check --write test/vectors).

Plain struct and zlib from guest/PROTOCOL.md; it imports no receiver, so that a
defect of one cannot hide in its own vectors.  The expected results of
streams.json are written down by hand below, not computed by a parser.
"""

import json
import os
import struct
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import bundles as section_6_bundles  # noqa: E402  (only now can it be found)
import knocks as section_3_knocks  # noqa: E402  (only now can it be found)
import transfers as section_6  # noqa: E402  (only now can it be found)

NONCE, SESSION = 0x0badcafe, 0x5eed1234
NAMES = {1: 'HELLO', 2: 'WELCOME', 3: 'ACK', 4: 'PING', 5: 'PONG', 6: 'RESET', 7: 'HERE',
         0x10: 'CONTROL', 0x11: 'DATA', 0x12: 'COPY'}


def crc(data):
    return struct.pack('>I', zlib.crc32(data))


def frame(kind, flags, stream, session, sequence, payload=b''):
    head = b'\xf5GW1' + struct.pack('>BBHIII', kind, flags, stream, session, sequence, len(payload))
    head += crc(head)
    return head + (payload + crc(payload) if payload else b'')


def described(name, description, kind, flags, stream, session, sequence, payload=b'', **more):
    out = {'name': name, 'description': description, 'type': kind}
    out.update(more)
    out.update(flags=flags, stream=stream, session=session, sequence=sequence,
               payload=payload.hex(), hex=frame(kind, flags, stream, session, sequence, payload).hex())
    return out


def save(name, about, **content):
    with open(os.path.join(HERE, name), 'w', newline='\n') as file:
        json.dump(dict(description=about, **content), file, indent=2, ensure_ascii=True)
        file.write('\n')


def u32(*numbers):
    return b''.join(struct.pack('>I', n) for n in numbers)


# -- the worked session of PROTOCOL.md, section 8 ----------------------------

HASH = '98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4'
HELLO = b'hello\nprotocol=1-1\nagent=guestwire/0.1.0\nframe=65536\nwindow=1048576\n'
WELCOME = (b'welcome\nprotocol=1\nsession=5eed1234\nagent=receiver.py/0.1.0\nsystem=linux\nseparator=/\n'
           b'device=uart\nport=/dev/ttyS1\nframe=4096\nwindow=16384\nstreams=16\n'
           b'capabilities=symlink,mode,mtime\n')
PUT = (b'put\npath=/tmp/hello%20world.txt\nsize=3\nmode=644\nmtime=1700000000.25\nconflict=fail\n')
COMMIT = b'commit\nsize=3\nsha256=' + HASH.encode() + b'\n'
DONE = b'done\npath=/tmp/hello%20world.txt\nsize=3\nsha256=' + HASH.encode() + b'\n'

KNOCK = 'the knock'

TRACE = [
    ('to-guest', KNOCK),
    ('to-host', 'HERE', 7, 0, 0, NONCE, 0),
    ('to-guest', 'HELLO', 1, 0, 0, NONCE, 0, HELLO),
    ('to-host', 'WELCOME', 2, 0, 0, NONCE, 0, WELCOME),
    ('to-guest', 'PING 1', 4, 0, 0, SESSION, 0, u32(1)),
    ('to-host', 'PONG 1', 5, 0, 0, SESSION, 0, u32(1, 0, 16384)),
    ('to-guest', 'CONTROL put', 0x10, 0, 1, SESSION, 0, PUT),
    ('to-guest', 'DATA', 0x11, 0, 1, SESSION, 1, struct.pack('>Q', 0) + b'hi\n'),
    ('to-guest', 'CONTROL commit, ASK', 0x10, 1, 1, SESSION, 2, COMMIT),
    ('to-host', 'ACK', 3, 0, 0, SESSION, 0, u32(3, 16384)),
    ('to-host', 'CONTROL accept', 0x10, 0, 1, SESSION, 0,
     b'accept\npath=/tmp/hello%20world.txt\nkind=file\n'),
    ('to-host', 'CONTROL done, ASK', 0x10, 1, 1, SESSION, 1, DONE),
    ('to-guest', 'ACK', 3, 0, 0, SESSION, 0, u32(2, 1048576)),
    ('to-guest', 'RESET bye', 6, 0, 0, SESSION, 0, b'reset\ncode=bye\n'),
]


def trace():
    steps = []
    for number, (direction, name, *rest) in enumerate(TRACE):
        about = 'step %d of section 8' % (number + 1)
        if name == KNOCK:
            steps.append(dict(kind='knock', name=name, description=about, direction=direction, nonce=NONCE,
                              hex=section_3_knocks.knock(NONCE).hex()))
        else:
            steps.append(dict(kind='frame', **described(name, about, *rest, direction=direction)))
    save('trace.json', 'The worked session of guest/PROTOCOL.md, section 8: the document and these bytes are equal. '
         'A step is a frame, or the knock, which is none.', steps=steps)


# -- frames ------------------------------------------------------------------

def frames():
    ramp = bytes(range(256))
    all_of_them = [described(name, 'as in section 8 of PROTOCOL.md', *rest)
                   for _, name, *rest in TRACE if name != KNOCK]
    all_of_them += [
        described('ACK with GAP', 'flag 01: a frame came that was later than next',
                  3, 1, 0, SESSION, 0, u32(7, 12288)),
        described('ACK, window 0', 'the sender waits', 3, 0, 0, SESSION, 0, u32(9, 0)),
        described('largest numbers', 'unsigned throughout',
                  3, 0xff, 0xffff, 0xffffffff, 0xffffffff, u32(0xffffffff, 0xffffffff)),
        described('RESET unknown-session', 'from a receiver that was restarted',
                  6, 0, 0, SESSION, 0, b'reset\ncode=unknown-session\n'),
        described('RESET version', 'header session is the nonce', 6, 0, 0, NONCE, 0,
                  b'reset\ncode=version\nprotocol=1-1\nmessage=this%20receiver%20speaks%20version%201\n'),
        described('DATA beyond 4 GiB', 'the offset is 64 bits wide', 0x11, 1, 0xffff, SESSION, 0xfffffffe,
                  struct.pack('>Q', 0x123456789a) + ramp),
        described('DATA of an offset only', 'no bytes behind the offset', 0x11, 0, 2, SESSION, 5,
                  struct.pack('>Q', 0)),
        described('DATA, ENCODED and ASK', 'flags 01 and 02', 0x11, 3, 2, SESSION, 6,
                  struct.pack('>Q', 13) + section_6.fixed(b'ab')),
        described('COPY', 'two ranges', 0x12, 0, 2, SESSION, 7, struct.pack('>QQIQI', 15, 0, 4096, 1 << 40, 0xffffffff)),
        described('LANE', 'number 258, with a DATA frame inside', 0x13, 2, 2, SESSION, 8,
                  struct.pack('>IBQ', 258, 0x11, 13) + section_6.fixed(b'ab')),
        described('empty payload', 'no payload check either', 0x10, 0, 1, SESSION, 0, b''),
        described('one byte of payload', 'the shortest with a check', 4, 0, 0, SESSION, 0, b'\0'),
        described('unknown reliable type', 'bit 10 is set: acknowledged, answered unsupported',
                  0x1f, 0x80, 3, SESSION, 12, b'from the future'),
        described('unknown unreliable type', 'ignored', 0x0f, 0, 0, SESSION, 0, b'?'),
        described('magic inside a payload', 'a reader in step does not look into it',
                  0x11, 0, 1, SESSION, 3, struct.pack('>Q', 8) + b'\xf5GW1\xf5GW1'),
        described('largest payload every reader takes', '16,384 bytes', 0x11, 0, 1, SESSION, 4,
                  struct.pack('>Q', 16376) + (ramp * 64)[:16376]),
    ]
    for one in all_of_them:
        one['typeName'] = NAMES.get(one['type'], 'unknown')
    save('frames.json', 'One frame each: fields and payload in hexadecimal, and the bytes they are encoded to.',
         frames=all_of_them)


# -- streams -----------------------------------------------------------------

def got(kind, flags, stream, session, sequence, payload=b''):
    return dict(type=kind, flags=flags, stream=stream, session=session, sequence=sequence,
                payload=payload.hex())


def streams():
    idle = None
    ping = (4, 0, 0, SESSION, 0, u32(1))
    ping2 = (4, 0, 0, SESSION, 0, u32(2))
    hello = (1, 0, 0, NONCE, 0, HELLO)
    data = (0x11, 0, 1, SESSION, 0, struct.pack('>Q', 0) + bytes(range(200)))
    control = (0x10, 1, 1, SESSION, 1, COMMIT)
    empty = (0x10, 0, 5, SESSION, 0, b'')
    b_ping, b_ping2, b_hello, b_data = (frame(*f) for f in (ping, ping2, hello, data))
    b_control, b_empty = frame(*control), frame(*empty)
    kernel = b'[   12.345678] usb 1-1: new high-speed USB device\r\n'
    bad_header = bytearray(b_ping)
    bad_header[20] ^= 1
    bad_field = bytearray(b_data)
    bad_field[15] ^= 0x80                                   # sequence
    bad_payload = bytearray(b_data)
    bad_payload[100] ^= 0x10
    bad_check = bytearray(b_data)
    bad_check[-1] ^= 1
    long_head = b'\xf5GW1' + struct.pack('>BBHIII', 0x11, 0, 1, SESSION, 0, 16385)
    long_head += crc(long_head)
    largest = (0x11, 0, 1, SESSION, 0, struct.pack('>Q', 0) + b'x' * 16376)
    huge_head = b'\xf5GW1' + struct.pack('>BBHIII', 0x11, 0, 1, SESSION, 0, 0xffffffff)
    huge_head += crc(huge_head)
    # a frame whose payload holds a whole HELLO, cut off right behind it
    holder = frame(0x11, 0, 1, SESSION, 0, struct.pack('>Q', 0) + b'before' + b_hello + b'after' * 40)
    cut = holder[:24 + 8 + 6 + len(b_hello)]
    # two complete frames inside an incomplete one inside an incomplete one
    inner = frame(0x11, 0, 1, SESSION, 0, b_ping + b_hello + b'z' * 500)[:24 + len(b_ping) + len(b_hello)]
    outer = frame(0x11, 0, 1, SESSION, 0, inner + b'z' * 500)[:24 + len(inner)]
    magic_first = b'\xf5GW1' + b_ping                       # a header that is the next frame's start

    def case(name, description, chunks, frames_out, dropped, kept=0, limit=16384):
        return dict(name=name, description=description, limit=limit,
                    input=[{'idle': True} if c is None else {'hex': bytes(c).hex()} for c in chunks],
                    frames=[got(*f) for f in frames_out], dropped=dropped, kept=kept)

    cases = [
        case('clean', 'four frames one after the other', [b_hello + b_ping + b_data + b_control],
             [hello, ping, data, control], 0),
        case('empty frames', 'frames without payload have no payload check', [b_empty * 3], [empty] * 3, 0),
        case('kernel message between frames', 'noise is dropped', [b_ping + kernel + b_ping2],
             [ping, ping2], len(kernel)),
        case('kernel message first and last', 'its last bytes cannot begin a magic',
             [kernel + b_ping + kernel], [ping], 2 * len(kernel)),
        case('kernel message inside a payload',
             'the payload check is wrong; the header goes, then the rest as noise; so many bytes of the '
             'shifted frame as were inserted stay outside and are noise too',
             [b_data[:100] + kernel + b_data[100:] + b_ping], [ping], len(b_data) + len(kernel)),
        case('kernel message inside a header', 'the header check is wrong',
             [b_data[:10] + kernel + b_data[10:] + b_ping], [ping], len(b_data) + len(kernel)),
        case('bytes lost in a payload', 'the next frame lies partly within what looked like payload',
             [b_data[:50] + b_data[60:] + b_ping + b_ping2], [ping, ping2], len(b_data) - 10),
        case('half a frame first', 'its second half', [b_data[90:] + b_hello], [hello], len(b_data) - 90),
        case('half a frame, then a HELLO',
             'the HELLO is not seen for the first 400 ms, and one byte is dropped then: the rest is noise up to it',
             [b_data[:90], b_hello, idle], [hello], 90),
        case('wrong header check', 'a bit of the check is flipped', [bytes(bad_header) + b_ping2],
             [ping2], len(bad_header)),
        case('wrong header field', 'a bit of the sequence is flipped', [bytes(bad_field) + b_ping2],
             [ping2], len(bad_field)),
        case('wrong payload', 'a bit of it is flipped', [bytes(bad_payload) + b_ping2],
             [ping2], len(bad_payload)),
        case('wrong payload check', 'a bit of the check is flipped', [bytes(bad_check) + b_ping2],
             [ping2], len(bad_check)),
        case('frame within a payload whose check is wrong', 'found after the 24 header bytes are dropped',
             [b_data[:24] + b_ping + b_data[24 + len(b_ping):-1] + b'?' + b_ping2],
             [ping, ping2], len(b_data) - len(b_ping)),
        case('length at the limit', '16,384 bytes are taken', [frame(*largest) + b_ping], [largest, ping], 0),
        case('length over the limit', '16,385 bytes: a right header check does not help',
             [long_head + b_ping], [ping], 24),
        case('length of 4 GiB', 'nothing is allocated', [huge_head + b_ping], [ping], 24),
        case('larger limit', 'a reader that announced 65,536 takes 16,385',
             [frame(0x11, 0, 1, SESSION, 0, b'y' * 16385)], [(0x11, 0, 1, SESSION, 0, b'y' * 16385)],
             0, limit=65536),
        case('HELLO inside an incomplete payload', 'rule 4: it appears once the line is idle',
             [cut, idle], [hello], 24 + 8 + 6),
        case('no idle, no HELLO', 'the same without the pause: all is kept, waiting',
             [cut], [], 0, kept=len(cut)),
        case('idle between the halves of a frame',
             'a pause of 400 ms breaks a frame: its second half is noise',
             [b_data[:100], idle, b_data[100:] + b_ping], [ping], len(b_data)),
        case('incomplete in incomplete', 'each level takes one idle', [outer, idle, idle],
             [ping, hello], 48),
        case('incomplete in incomplete, one idle', 'the inner frame is still incomplete', [outer, idle],
             [], 24, kept=len(inner)),
        case('idle with nothing kept', 'does nothing', [b_ping, idle, b_ping2, idle], [ping, ping2], 0),
        case('half a header, idle', 'dropped byte by byte: nothing in it begins a magic',
             [b_ping[:15], idle, b_ping2], [ping2], 15),
        case('magic right before a frame', 'the first magic has a wrong header check', [magic_first],
             [ping], 4),
        case('part of a magic before a magic', 'F5 47 57 F5 47 57 31', [b'\xf5GW' + b_ping], [ping], 3),
        case('F5 repeated', 'every one may begin a magic', [b'\xf5\xf5\xf5\xf5' + b_ping], [ping], 4),
        case('partial magic at the end, 3 bytes', 'kept', [b_ping + b'abc\xf5GW'], [ping], 3, kept=3),
        case('partial magic at the end, 1 byte', 'kept', [b_ping + b'abc\xf5'], [ping], 3, kept=1),
        case('partial magic at the end, idle', 'dropped: rule 4 holds for it too',
             [b_ping + b'abc\xf5GW', idle], [ping], 6),
        case('partial magic that goes on', 'the frame is whole after all', [b'abc\xf5GW', b_ping[3:]], [ping], 3),
        case('noise that ends like a magic', 'F5 47 57 then something else', [b'\xf5GWx' + b_ping], [ping], 4),
        case('noise only', 'UTF-8 text never holds an F5', ['grüß dich\n'.encode() * 20], [], 240),
        case('unknown types', 'are frames all the same', [frame(0x0f, 0, 0, 1, 0, b'a') + frame(0x1f, 0, 1, 1, 0)],
             [(0x0f, 0, 0, 1, 0, b'a'), (0x1f, 0, 1, 1, 0, b'')], 0),
    ]
    save('streams.json',
         'Bytes in, frames out. Input: pieces of the stream, to be fed in chunks of any size, and "idle" where 400 ms '
         'pass without a byte. dropped: bytes that are neither in a frame nor kept; kept: bytes still held at the end.',
         streams=cases)


# -- knocks ------------------------------------------------------------------

def knocks():
    save('knocks.json',
         'Knocks, section 3 of guest/PROTOCOL.md. texts: nonce and the digits it makes. streams: as in streams.json, and '
         'in knocks the nonces that a receiver answers by HERE, in their order. A host finds the same frames in them.',
         **section_3_knocks.content(frame))


# -- texts -------------------------------------------------------------------

def texts():
    def good(name, description, payload, verb, *fields, canonical=True):
        return dict(name=name, description=description, hex=payload.hex(), verb=verb,
                    fields=[[key, value.hex()] for key, value in fields], canonical=canonical)

    def bad(name, description, payload):
        return dict(name=name, description=description, hex=payload.hex())

    every = bytes(range(256))
    coded = b''.join(bytes([b]) if 0x21 <= b <= 0x7e and b != 0x25 else b'%%%02X' % b for b in every)
    long_value = b'a' * (16384 - len(b'v\nk=\n'))
    valid = [
        good('verb only', 'no keys', b'cancel\n', 'cancel'),
        good('put of the trace', 'a space in the name', PUT, 'put', ('path', b'/tmp/hello world.txt'),
             ('size', b'3'), ('mode', b'644'), ('mtime', b'1700000000.25'), ('conflict', b'fail')),
        good('awkward name', 'newline, percent, equals sign, tab, leading dash', b'stat\npath=/tmp/-a%0Ab%25c=d%09\n',
             'stat', ('path', b'/tmp/-a\nb%c=d\t')),
        good('not UTF-8', 'names are bytes', b'stat\npath=/tmp/%FF%FE%80\n', 'stat', ('path', b'/tmp/\xff\xfe\x80')),
        good('UTF-8', 'each byte for itself', b'stat\npath=/tmp/%C3%BC%E2%82%AC\n', 'stat',
             ('path', '/tmp/ü€'.encode())),
        good('every byte', '0 to 255 in one value', b'x\nall=' + coded + b'\n', 'x', ('all', every)),
        good('empty value', 'is a value', b'x\na=\nb=1\n', 'x', ('a', b''), ('b', b'1')),
        good('lower-case hexadecimal', 'read in either case, written in upper case', b'x\na=%2f%c3\n', 'x',
             ('a', b'/\xc3'), canonical=False),
        good('escaped without need', 'a reader takes it', b'x\na=%41%7e\n', 'x', ('a', b'A~'), canonical=False),
        good('equals signs', 'the first one ends the key', b'x\na==b=c=\n', 'x', ('a', b'=b=c=')),
        good('digits and dashes', 'in verbs and keys', b'verb-2\nread-only=1\n0=0\n', 'verb-2',
             ('read-only', b'1'), ('0', b'0')),
        good('longest', '16,384 bytes', b'v\nk=' + long_value + b'\n', 'v', ('k', long_value)),
    ]
    invalid = [
        bad('empty', 'no verb', b''),
        bad('one LF', 'an empty verb', b'\n'),
        bad('no LF at the end', 'cut off?', b'put\npath=/a'),
        bad('verb without LF', 'cut off?', b'cancel'),
        bad('key given twice', '', b'put\npath=/a\npath=/b\n'),
        bad('line without =', '', b'put\npath\n'),
        bad('empty line', 'has no = either', b'put\n\npath=/a\n'),
        bad('empty line at the end', '', b'put\npath=/a\n\n'),
        bad('empty key', '', b'put\n=/a\n'),
        bad('upper-case key', '', b'put\nPath=/a\n'),
        bad('upper-case verb', '', b'PUT\npath=/a\n'),
        bad('space in the verb', '', b'put it\npath=/a\n'),
        bad('= in the verb', '', b'put=1\n'),
        bad('% at the end', '', b'x\na=b%\n'),
        bad('% and one digit', '', b'x\na=b%4\n'),
        bad('% and no hexadecimal', '', b'x\na=%g0\n'),
        bad('% and a sign', 'what a lenient number parser takes', b'x\na=%+1\n'),
        bad('% and a space', 'likewise', b'x\na=% 1\n'),
        bad('raw space', 'is to be written %20', b'x\na=b c\n'),
        bad('CR LF', 'CR is a raw byte in a value', b'x\na=b\r\n'),
        bad('CR LF after the verb', '', b'x\r\na=b\n'),
        bad('raw byte over 7E', '', b'x\na=\xc3\xbc\n'),
        bad('raw DEL', '7F', b'x\na=\x7f\n'),
        bad('NUL', '', b'x\na=\0\n'),
        bad('byte over 7E in the verb', '', b'\xc3\xbc\n'),
        bad('one byte too long', '16,385 bytes', b'v\nk=' + long_value + b'a\n'),
    ]
    save('texts.json', 'Text payloads. canonical: writing verb and fields gives the same bytes. Values in hexadecimal.',
         valid=valid, invalid=invalid)


# -- transfers ---------------------------------------------------------------

def transfers():
    save('transfers.json',
         'Section 6 of guest/PROTOCOL.md. Bytes are runs: hexadecimal, so many times. A case: `existing` is what stands '
         'under the name before (null: nothing), `partial` what an earlier put left, `put` the keys of the put but path, '
         '`accept` what its answer has besides path and kind, `frames` what then is sent on its stream, `end` the last '
         'request. It ends in done, or in done with `skipped`, or in the error `code` (which may come earlier); then '
         '`content` stands under the name, and `left` in the partial file. `zstdEncodings` are for a receiver that has '
         'zstd. The file is called `partialOf`, the partial file `partialName` with `-` and the '
         'number of its inode before the last dot. Signatures: `entries` are all bytes of the DATA frames, or `code` is '
         'the error.',
         partialOf=section_6.NAME, partialName=section_6.PARTIAL_NAME, **section_6.content())


# -- bundles -----------------------------------------------------------------

def bundles():
    save('bundles.json',
         'Bundles and compares, section 6 of guest/PROTOCOL.md. A case: `before` is what the directory of the request '
         'holds, `records` what the host has to say (name and content in hexadecimal), `stream` the same as bytes, or '
         'bytes that no records make. It ends in `done` with `lists`, or in the error `code`; then the directory holds '
         '`after`. There a name that ends in "/" is a directory\'s, what has a `target` a symbolic link; mode or mtime of '
         'null may be any.',
         **section_6_bundles.content())


if __name__ == '__main__':
    trace()
    frames()
    streams()
    knocks()
    texts()
    transfers()
    bundles()
