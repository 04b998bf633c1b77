"""What knocks.json holds: the knock of section 3 of PROTOCOL.md as text, and in a stream with noise."""

import struct
import zlib

NONCE, SESSION = 0x0badcafe, 0x5eed1234
LARGEST = (1 << 32) - 1


def checked(head):
    return head + b'%010d' % zlib.crc32(head)


def knock(nonce):
    return checked(b'4757%010d' % nonce)


def changed(data, at, byte):
    return data[:at] + byte + data[at + 1:]


def texts():
    return [{'nonce': nonce, 'text': knock(nonce).decode()}
            for nonce in (NONCE, 0, 1, 4757, 10 ** 9, LARGEST, SESSION, sharing(b'4'))]


def sharing(end):
    """A nonce whose knock ends in the digits with which another may begin."""
    return next(nonce for nonce in range(LARGEST) if knock(nonce).endswith(end))


def header_ending_in(frame, end, payload):
    """A frame whose header check ends in a digit: 24 bytes that rule 3 drops at once."""
    made = (frame(0x11, 0, 1, SESSION, number, payload) for number in range(1 << 16))
    return next(one for one in made if one[:24].endswith(end))


def cases(frame):
    idle = None
    k, other, nul, last = knock(NONCE), knock(1), knock(0), knock(LARGEST)
    ping = (4, 0, 0, SESSION, 0, struct.pack('>I', 1))
    hello = (1, 0, 0, NONCE, 0, b'hello\nprotocol=1-1\nagent=guestwire/0.1.0\nframe=65536\nwindow=1048576\n')
    data = (0x11, 0, 1, SESSION, 0, struct.pack('>Q', 0) + bytes(range(200)))
    holder = (0x11, 0, 1, SESSION, 0, struct.pack('>Q', 0) + b'before' + k + b'after')
    b_ping, b_hello, b_data, b_holder = (frame(*f) for f in (ping, hello, data, holder))
    bad_holder = changed(b_holder, len(b_holder) - 1, bytes([b_holder[-1] ^ 1]))
    inner = frame(0x11, 0, 1, SESSION, 0, b_ping + b'z' * 500)[:24 + len(b_ping)]
    outer = frame(0x11, 0, 1, SESSION, 0, inner + b'z' * 500)[:24 + len(inner)]
    split = header_ending_in(frame, k[:1], k[1:] + b'?')
    split = split[:-1] + bytes([split[-1] ^ 1])
    shared = knock(sharing(b'4'))
    kernel = b'[   12.345678] usb 1-1: new high-speed USB device\r\n'
    whole = [
        ('alone', 'nothing before it and nothing behind', [k], [], [NONCE], 24),
        ('before a HELLO', 'as a host sends them', [k, b_hello], [hello], [NONCE], 24),
        ('smallest and largest nonce', 'ten digits each', [nul + last], [], [0, LARGEST], 48),
        ('two in a row', 'each is answered, also the same one', [k + k], [], [NONCE, NONCE], 48),
        ('two of different hosts', 'in their order', [other + k], [], [1, NONCE], 48),
        ('two that share a digit', "the first one's last digit is the other's first", [shared + k[1:]],
         [], [sharing(b'4'), NONCE], 47),
        ('in two pieces', 'noise that is dropped at different times', [k[:9], k[9:]], [], [NONCE], 24),
        ('a pause within', 'the line is slow, and nothing is kept that could be dropped', [k[:9], idle, k[9:]],
         [], [NONCE], 24),
        ('Ctrl+U between two', 'how a host erases', [k + b'\x15' + k], [], [NONCE, NONCE], 49),
        ('kernel message between two', 'noise like any other', [k + kernel + k], [], [NONCE, NONCE], 48 + len(kernel)),
        ('kernel messages around', 'directly', [kernel + k + kernel], [], [NONCE], 24 + 2 * len(kernel)),
        ('behind much noise', 'more than a read brings', [kernel * 100 + k + b_ping], [ping], [NONCE],
         24 + 100 * len(kernel)),
        ('behind a beginning', 'of a knock that broke off, then erased', [k[:12] + b'\x15' + k], [], [NONCE], 37),
        ('behind a frame and before one', 'without a gap', [b_ping + k + b_ping], [ping, ping], [NONCE], 24),
    ]
    whole += [('behind the digits ' + digits, 'they begin no knock, a later digit does', [digits.encode() + k],
               [], [NONCE], len(digits) + 24)
              for digits in ('4', '47', '475', '4757', '47574757', '447547', '1' * 50, k[:22].decode(), k[1:].decode())]
    whole += [
        ('digits behind it', 'a knock has no end but its length', [k + b'0123456789'], [], [NONCE], 34),
        ('behind a magic', 'whose header check is then wrong', [b'\xf5GW1' + k], [], [NONCE], 28),
        ('behind a part of a magic', 'kept until the knock comes', [b'\xf5GW', k], [], [NONCE], 27),
    ]
    broken = [
        ('behind half a frame', 'rule 4 drops one byte, and the rest is noise', [b_data[:90], k, idle],
         [], [NONCE], 90 + 24),
        ('behind half a frame, no pause yet', 'all is kept, waiting', [b_data[:90], k], [], [], 0, 90 + 24),
        ('first half behind half a frame', 'dropped before the other half comes', [b_data[:90] + k[:10], idle, k[10:]],
         [], [NONCE], 90 + 24),
        ('behind half a frame within half a frame', 'each level takes one pause', [outer + k, idle, idle],
         [ping], [NONCE], 48 + 24),
        ('behind a frame that lost bytes', 'the knock made it whole, but wrong', [b_data[:50] + b_data[60:] + k],
         [], [NONCE], len(b_data) - 10 + 24),
        ('within a payload whose check is wrong', 'noise after all', [bad_holder + b_ping], [ping], [NONCE],
         len(bad_holder)),
        ('on the edge of a header', 'its first digit ends a header check that is right, the others begin a payload whose '
         'check is wrong: dropped one after the other', [split + b_ping], [ping], [NONCE], len(split)),
        ('within a valid payload', 'the bytes of a file are nobody knocking', [b_holder + b_ping], [holder, ping], [], 0),
    ]
    none = [
        ('wrong check', 'the last digit is another', [changed(k, 23, b'5')], [], [], 24),
        ('wrong nonce', 'a digit is another', [changed(k, 10, b'8')], [], [], 24),
        ('wrong beginning', '4758, with the right check', [checked(b'4758' + k[4:14])], [], [], 24),
        ('nonce of 2^32', 'the check is right', [checked(b'47574294967296')], [], [], 24),
        ('nonce of ten nines', 'likewise', [checked(b'47579999999999')], [], [], 24),
        ('blanks for zeros', 'which a lenient number parser takes', [checked(b'4757 195939070')], [], [], 24),
        ('sign in the nonce', 'likewise', [checked(b'4757+195939070')], [], [], 24),
        ('underscore in the nonce', 'likewise', [checked(b'47570_95939070')], [], [], 24),
        ('no leading zero', 'of the nonce', [checked(b'4757195939070')], [], [], 23),
        ('eighth bit', 'set in a digit', [changed(k, 8, bytes([k[8] | 0x80]))], [], [], 24),
        ('cut off', 'one digit is missing', [k[:23], b_ping], [ping], [], 23),
        ('without its first digit', '', [k[1:] + b_ping], [ping], [], 23),
        ('frame within', 'its bytes stand between the digits', [k[:12] + b_ping + k[12:]], [ping], [], 24),
        ('kernel message within', 'likewise', [k[:12] + kernel + k[12:]], [], [], 24 + len(kernel)),
        ('part of a magic within', 'dropped as soon as the next digit comes', [k[:12] + b'\xf5', k[12:]], [], [], 25),
        ('magic within', 'likewise', [k[:12] + b'\xf5GW1', k[12:] + b_ping], [ping], [], 28),
    ]
    none += [('byte %02x within' % byte, 'interrupts it', [k[:12] + bytes([byte]) + k[12:]], [], [], 25)
             for byte in (0x00, 0x08, 0x0a, 0x0d, 0x15, 0x20)]
    return [case(*one) for one in whole + broken + none]


def case(name, description, chunks, frames, knocks, dropped, kept=0):
    keys = ('type', 'flags', 'stream', 'session', 'sequence', 'payload')
    return {'name': name, 'description': description, 'limit': 16384,
            'input': [{'idle': True} if c is None else {'hex': c.hex()} for c in chunks],
            'frames': [dict(zip(keys, f[:5] + (f[5].hex(),))) for f in frames],
            'knocks': knocks, 'dropped': dropped, 'kept': kept}


def content(frame):
    return {'texts': texts(), 'streams': cases(frame)}
