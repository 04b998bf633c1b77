"""Text payloads (PROTOCOL.md, section 2)."""

import re

from .wire import TEXT_MAX

TEXT_LINE = re.compile(br'([a-z0-9-]+)=([!-$&-~]*(?:%[0-9A-Fa-f]{2}[!-$&-~]*)*)\Z')
TEXT_VERB = re.compile(br'[a-z0-9-]+\Z')
ESCAPED = re.compile(br'%([0-9A-Fa-f]{2})')
TO_ESCAPE = re.compile(br'[^!-$&-~]')


class BadText(ValueError):
    pass


def read_text(payload):
    """(verb, {key: bytes}) of a text payload; BadText if it is invalid."""
    if len(payload) > TEXT_MAX:
        raise BadText('text of more than %d bytes' % TEXT_MAX)
    lines = bytes(payload).split(b'\n')
    if lines.pop() != b'':
        raise BadText('last line without LF')
    if not lines or not TEXT_VERB.match(lines[0]):
        raise BadText('invalid verb')
    fields = {}
    for line in lines[1:]:
        match = TEXT_LINE.match(line)
        if not match:
            raise BadText('invalid line')
        key, value = match.groups()
        key = key.decode('ascii')
        if key in fields:
            raise BadText('key %s given twice' % key)
        if b'%' in value:
            value = ESCAPED.sub(lambda m: bytes((int(m.group(1), 16),)), value)
        fields[key] = value
    return lines[0].decode('ascii'), fields


def write_text(verb, fields):
    """The payload for a verb and (key, value) pairs; values are str, int or bytes."""
    out = [verb.encode('ascii')]
    for key, value in fields:
        if not isinstance(value, bytes):
            value = str(value).encode('utf-8', 'surrogateescape')
        if TO_ESCAPE.search(value):
            value = TO_ESCAPE.sub(lambda m: b'%%%02X' % m.group(0)[0], value)
        out.append(key.encode('ascii') + b'=' + value)
    out.append(b'')
    return b'\n'.join(out)
