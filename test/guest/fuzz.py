"""Frames for the fuzz tests."""

import hashlib
import struct
import zlib

from host import ACK, CONTROL, COPY, DATA, HELLO, PING, PONG, WELCOME, frame, knock, text


def piece(content):
    """A piece of a DEFLATE stream (section 6)."""
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    return stream.compress(content) + stream.flush(zlib.Z_SYNC_FLUSH)


# frames of zstd by hand: a window of 128 KiB, then a raw block, and one byte many times
ZSTD = b'\x28\xb5\x2f\xfd\0\x38'
PIECES = (piece(b''), piece(b'xxx'), piece(b'xxx' * 100), piece(bytes(70000)), b'xxxxx',
          ZSTD + b'\x18\0\0xxx', ZSTD + struct.pack('<I', 70000 << 3 | 3)[:3] + b'\0')


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def plausible(dice, session, sequence):
    """(type, bytes) of a frame that gets somewhere, to be mutated."""
    def pick(good, bad):
        return dice.choice(good if dice.random() < 0.9 else bad)

    kind = dice.choices((CONTROL, DATA, COPY, HELLO, WELCOME, ACK, PING, PONG, 0x0f, 0x1f),
                        (50, 35, 10, 3, 1, 2, 5, 2, 1, 2))[0]
    flags = pick((0, 1), range(256))
    stream = pick((1, 1, 2, 3), (0, 40, 65535))
    if kind == CONTROL:
        names = ('a', 'b', 'dir/c', 'dir', 'l', 'new', '.', 'dir/../a')
        wild = ('..', '../x', '/etc/fuzz', 'l/fuzz', '', 'n' * 300, 'd/' * 50, '\0', '~/x', 'a/b', '/dev/null')
        more = {key: good if dice.random() < 0.98 else 'x' for key, good in (
            ('encoding', dice.choice(('deflate', 'zstd'))), ('basis', '1'), ('resume', '1'),
            ('unchanged', 'skip'), ('keep', '1'))
            if dice.random() < 0.5}
        if dice.random() < 0.7:
            more['size'] = pick((0, 0, 3, 70000), (10 ** 18, 'x', ''))
        payload = text(pick(('put', 'put', 'put', 'bundle', 'compare', 'commit', 'commit', 'cancel', 'stat', 'mkdir',
                             'symlink', 'attributes', 'signature'), ('other', '')),
                       path=pick(names, wild), target=pick(names, wild), block=pick((512, 4194304), (0, 511, 'x')),
                       mode=pick(('644', '7777'), ('9', '')), mtime=pick(('1.5', '9' * 10), ('-1', 'x', '9' * 12)),
                       conflict=pick(('fail', 'overwrite', 'skip', 'newer', 'rename'), ('x', '')),
                       sha256=pick((sha256(b''), sha256(b'xxx')), ('', 'x')), hash=pick(('sha256',), ('x',)),
                       follow=dice.choice('01'), **more)
    elif kind == DATA:
        payload = struct.pack('>Q', pick((0, 0, 0, 3, 70000), (6, 2 ** 63)))
        if dice.random() < 0.5:
            payload += b'x' * pick((0, 3, 3), (100, 4000))
        else:
            payload, flags = payload + dice.choice(PIECES), flags | 2
    elif kind == COPY:
        payload = struct.pack('>Q', pick((0, 0, 3, 70000), (6, 2 ** 63)))
        for _ in range(pick((1, 2, 5), (0, 340))):
            payload += struct.pack('>QI', pick((0, 0, 1), (3, 2 ** 63)), pick((0, 1, 3), (200, 2 ** 32 - 1)))
    elif kind == HELLO:
        payload = text('hello', protocol=pick(('1-1', '1-9'), ('2-3', 'x', '')), window=dice.choice((0, 1, 10 ** 12)))
    else:
        payload = struct.pack('>III', *(dice.choice((0, 1, 2, 16384, 2 ** 32 - 1)) for _ in range(3)))
        payload = payload[:pick((8, 12), (0, 3, 4))]
    number = sequence if dice.random() < 0.9 else dice.randrange(2 ** 32)
    return kind, frame(kind, flags, stream, session if dice.random() < 0.97 else dice.randrange(2 ** 32),
                       number, payload)


def mutated(dice, data):
    if dice.random() < 0.03:            # noise that's answered
        return knock(dice.randrange(2 ** 32)) + mutated(dice, data)
    data, how = bytearray(data), dice.random()
    if how < 0.6:
        return bytes(data)              # as it is: reaches the deeper code
    if how < 0.8:                       # a wrong payload with right checks
        body = data[24:-4]
        for _ in range(dice.randint(1, 4)):
            if body:
                body[dice.randrange(len(body))] = dice.randrange(256)
        kind, flags, stream, session, sequence = struct.unpack('>BBHII', data[4:16])
        return frame(kind, flags, stream, session, sequence, bytes(body))
    for _ in range(dice.randint(1, 5)):
        at = dice.randrange(len(data))
        choice = dice.random()
        if choice < 0.5:
            data[at] = dice.randrange(256)
        elif choice < 0.7:
            del data[at:at + dice.randint(1, 30)]
        elif choice < 0.75:
            data[at:at] = knock(dice.randrange(2 ** 32))[:dice.choice((12, 23, 24, 24))]
        elif choice < 0.9:
            data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 30)))
        else:
            data += data[:at]
        if not data:
            break
    return bytes(data)
