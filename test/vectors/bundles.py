"""What bundles.json holds: `bundle` and `compare` of section 6 of PROTOCOL.md as streams and trees."""

import struct

TIME = 1700000000123456000                  # whole microseconds: every file system keeps them
NO_MODE, NO_MTIME = 0xffff, (1 << 64) - 1


def record(name, content=b'', mode=0o644, mtime=TIME, size=None):
    """As it stands in the stream; `size` is that of contents that are not sent."""
    name = name if isinstance(name, bytes) else name.encode()
    length = len(content) if size is None else size
    return {'name': name.hex(), 'mode': mode, 'mtime': str(mtime), 'size': length, 'content': content.hex()}


def made(name, mode=0o755):
    return record(name, mode=mode, mtime=NO_MTIME)


def packed(one):
    name = bytes.fromhex(one['name'])
    head = struct.pack('>HHIQ', len(name), one['mode'], one['size'], int(one['mtime']))
    return head + name + bytes.fromhex(one['content'])


def file(content, mode=0o644, mtime=TIME):
    return {'content': content.hex(), 'mode': '%o' % mode, 'mtime': None if mtime is None else str(mtime)}


def directory(mode=None, mtime=None):
    return {'mode': None if mode is None else '%o' % mode, 'mtime': None if mtime is None else str(mtime)}


OLD = file(b'old')
BOTH = {'a': OLD, 'b': OLD}


def case(name, description, records, after, before=None, lists=None, code=None, verb='bundle', conflict='fail',
         stream=None):
    return {'name': name, 'description': description, 'verb': verb, 'conflict': conflict, 'before': before or {},
            'records': records, 'stream': (b''.join(map(packed, records)) if stream is None else stream).hex(),
            'lists': lists or {}, 'code': code, 'after': after}


def trees():
    late = TIME + 5 * 10 ** 9
    return [
        case('nothing', 'no records', [], {}),
        case('one file', '', [record('a', b'hello')], {'a': file(b'hello')}),
        case('modes', 'of the permission bits alone', [record('a', b'', 0o4777), record('b', b'', 0o400)],
             {'a': file(b'', 0o777), 'b': file(b'', 0o400)}),
        case('no mode, no mtime', 'as with a put that has neither', [record('a', b'x', NO_MODE, NO_MTIME)],
             {'a': file(b'x', 0o644, None)}),
        case('empty files', '', [record('a'), record('b')], {'a': file(b''), 'b': file(b'')}),
        case('directories are made', 'outer ones first', [made('d/'), made('d/e/', 0o700), record('d/e/f', b'x')],
             {'d/': directory(0o755), 'd/e/': directory(0o700), 'd/e/f': file(b'x')}),
        case('directories come first', 'wherever they stand', [record('d/f', b'x'), made('d/')],
             {'d/': directory(0o755), 'd/f': file(b'x')}),
        case('directories that are there', 'stay as they are', [made('d/', 0o755), record('d/f', b'x')],
             {'d/': directory(0o700), 'd/f': file(b'x')}, {'d/': directory(0o700)}),
        case('attributes come last', 'wherever they stand', [record('d/', b'', 0o500, TIME), made('d/'),
                                                             record('d/f', b'x', mtime=late)],
             {'d/': directory(0o500, TIME), 'd/f': file(b'x', 0o644, late)}),
        case('attributes of what is not there', '', [record('d/', b'', 0o755, TIME)], {}, lists={'left': '0'}),
        case('a name that exists', 'is left alone', [record('a', b'new'), record('c', b'new')],
             {'a': OLD, 'b': OLD, 'c': file(b'new')}, BOTH, {'left': '0'}),
        case('overwrite', 'replaces', [record('a', b'new'), record('c', b'new')],
             {'a': file(b'new'), 'b': OLD, 'c': file(b'new')}, BOTH, conflict='overwrite'),
        case('overwrite and modes', 'what is there keeps its mode and gets execute bits',
             [record('a', b'new', 0o755), record('b', b'new', 0o644)],
             {'a': file(b'new', 0o751), 'b': file(b'new', 0o711)},
             {'a': file(b'old', 0o640), 'b': file(b'old', 0o711)}, conflict='overwrite'),
        case('skip, newer and rename', 'leave it to the host', [record('a', b'new', mtime=late)], BOTH, BOTH,
             {'left': '0'}, conflict='newer'),
        case('overwrite a directory', 'is not done', [record('a', b'new'), made('b/'), record('a/x', b'x')],
             {'a/': directory(), 'a/x': file(b'x'), 'b': OLD}, {'a/': directory(), 'b': OLD}, {'left': '0-1'},
             conflict='overwrite'),
        case('twice the same name', 'the second finds the first', [record('a', b'1'), record('a', b'2')],
             {'a': file(b'1')}, lists={'left': '1'}),
        case('no such directory', '', [record('d/f', b'x'), record('a', b'x'), record('e/f', b'x')],
             {'a': file(b'x')}, lists={'left': '0,2'}),
        case('a file for a directory', '', [record('a/f', b'x'), made('a/'), record('c', b'x')],
             {'a': OLD, 'b': OLD, 'c': file(b'x')}, BOTH, {'left': '0-1'}),
        case('a link on the way', 'is not followed', [record('l/f', b'x'), made('l/'), record('l/', b'', 0o755, TIME)],
             {'d/': directory(), 'l': {'target': 'd'}}, {'d/': directory(), 'l': {'target': 'd'}}, {'left': '0-2'}),
        case('a link under the name', 'is not replaced', [record('l', b'x')], {'a': OLD, 'l': {'target': 'a'}},
             {'a': OLD, 'l': {'target': 'a'}}, {'left': '0'}, conflict='overwrite'),
        case('names that lead elsewhere', '', [record(name, b'x') for name in (
            '..', '../x', 'd/../x', '.', './x', 'd/./x', '/x', '/d/x', 'd//x', '//x', b'x\0y', b'd\0/x')] + [
                made(name) for name in ('/', '../', './', 'd/../', '/x/', 'x//')] + [record('d/x', b'x')],
             {'d/': directory(), 'd/x': file(b'x')}, {'d/': directory()}, {'left': '0-17'}),
        case('a name too long', '', [record('x' * 300, b'x'), record('a', b'x')], {'a': file(b'x')},
             lists={'left': '0'}),
        case('names of bytes', 'that are no UTF-8 for the host to send, but for a receiver to take',
             [record('ä ö%\n', b'x')], {'ä ö%\n': file(b'x')}),
        case('half a header', '', [], {}, code='bad-request', stream=packed(record('a', b'x')) + b'\0' * 15),
        case('half a name', '', [], {}, code='bad-request', stream=packed(record('a', b'x')) + packed(record('bc'))[:-1]),
        case('half the contents', '', [], {}, code='bad-request', stream=packed(record('a', b'xy'))[:-1]),
        case('no name', '', [record('a', b'x'), record('', b'x')], {}, code='bad-request'),
        case('too deep', '257 separators', [record('d/' * 257 + 'x', b'x')], {}, code='bad-request'),
    ]


def comparisons():
    names = ('same', 'time', 'size', 'none', 'd/none', 'e/none', 'd', 'l', '..', 'd/same')
    before = {'same': OLD, 'time': file(b'old', mtime=TIME + 1000), 'size': file(b'other'), 'd/': directory(),
              'd/same': OLD, 'l': {'target': 'same'}}
    modes = {'same': file(b'old', 0o711 & ~0o010), 'all': file(b'old', 0o755)}
    return [
        case('what is there', 'a link is neither', [record(name, size=3) for name in names], before, before,
             {'unchanged': '0,9', 'absent': '3-5'}, verb='compare'),
        case('execute bits', 'that are missing are told of what is unchanged',
             [record('same', size=3, mode=0o755), record('other', size=3, mode=0o755), record('all', size=3, mode=0o711)],
             modes, modes, {'unchanged': '0,2', 'absent': '1', 'lacks-execute': '0'}, verb='compare'),
        case('below a microsecond', 'is not looked at', [record('same', size=3, mtime=TIME + 999)], {'same': OLD},
             {'same': OLD}, {'unchanged': '0'}, verb='compare'),
        case('cut off', '', [], {}, code='bad-request', verb='compare', stream=packed(record('a', size=3))[:-1]),
    ]


def content():
    return {'trees': trees(), 'comparisons': comparisons()}
