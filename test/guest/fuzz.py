"""Frames for the fuzz tests."""

import hashlib
import struct

from host import ACK, CONTROL, DATA, HELLO, PING, PONG, WELCOME, frame, text


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def plausible(dice, session, sequence):
    """(type, bytes) of a frame that gets somewhere, to be mutated."""
    def pick(good, bad):
        return dice.choice(good if dice.random() < 0.9 else bad)

    kind = dice.choices((CONTROL, DATA, HELLO, WELCOME, ACK, PING, PONG, 0x0f, 0x1f),
                        (50, 25, 3, 1, 2, 5, 2, 1, 2))[0]
    stream = pick((1, 1, 2, 3), (0, 40, 65535))
    if kind == CONTROL:
        names = ('a', 'b', 'dir/c', 'dir', 'l', 'new', '.', 'dir/../a')
        wild = ('..', '../x', '/etc/fuzz', 'l/fuzz', '', 'n' * 300, 'd/' * 50, '\0', '~/x', 'a/b', '/dev/null')
        payload = text(pick(('put', 'put', 'put', 'commit', 'commit', 'cancel', 'stat', 'mkdir', 'symlink',
                             'attributes'), ('other', '')),
                       path=pick(names, wild), target=pick(names, wild), size=pick((0, 0, 3), (10 ** 18, 'x', '')),
                       mode=pick(('644', '7777'), ('9', '')), mtime=pick(('1.5', '9' * 10), ('-1', 'x', '9' * 12)),
                       conflict=pick(('fail', 'overwrite', 'skip', 'newer', 'rename'), ('x', '')),
                       sha256=pick((sha256(b''), sha256(b'xxx')), ('', 'x')), hash=pick(('sha256',), ('x',)),
                       follow=dice.choice('01'))
    elif kind == DATA:
        payload = struct.pack('>Q', pick((0,), (3, 2 ** 63))) + b'x' * pick((0, 3, 3), (100, 4000))
    elif kind == HELLO:
        payload = text('hello', protocol=pick(('1-1', '1-9'), ('2-3', 'x', '')), window=dice.choice((0, 1, 10 ** 12)))
    else:
        payload = struct.pack('>III', *(dice.choice((0, 1, 2, 16384, 2 ** 32 - 1)) for _ in range(3)))
        payload = payload[:pick((8, 12), (0, 3, 4))]
    number = sequence if dice.random() < 0.9 else dice.randrange(2 ** 32)
    return kind, frame(kind, pick((0, 1), range(256)), stream, session if dice.random() < 0.97 else dice.randrange(2 ** 32),
                       number, payload)


def mutated(dice, data):
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
        elif choice < 0.9:
            data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 30)))
        else:
            data += data[:at]
        if not data:
            break
    return bytes(data)
