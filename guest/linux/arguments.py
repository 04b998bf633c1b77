"""Arguments of requests (PROTOCOL.md, section 5)."""

import re

from .errors import Refused

NUMBER = re.compile(br'[0-9]{1,19}\Z')
OCTAL = re.compile(br'[0-7]{1,7}\Z')
TIME = re.compile(br'(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?\Z')
SHA256 = re.compile(br'[0-9a-f]{64}\Z')
SESSION = re.compile(br'[0-9a-f]{8}\Z')
CONFLICTS = (b'fail', b'overwrite', b'skip', b'newer', b'rename')


def argument_of(fields, key, pattern, convert, required):
    value = fields.get(key)
    if value is None:
        if required:
            raise Refused('bad-request', '%s is missing' % key)
        return None
    match = pattern.match(value)
    if not match:
        raise Refused('bad-request', '%s is invalid' % key)
    return convert(match)


def number_of(fields, key, required=False):
    return argument_of(fields, key, NUMBER, lambda m: int(m.group()), required)


def mode_of(fields, key='mode'):
    return argument_of(fields, key, OCTAL, lambda m: int(m.group(), 8), False)


def mtime_of(fields):
    """Nanoseconds since 1970."""
    def convert(match):
        sign, whole, fraction = match.groups()
        value = int(whole) * 10 ** 9 + int((fraction or b'').ljust(9, b'0'))
        return -value if sign else value
    return argument_of(fields, 'mtime', TIME, convert, False)


def conflict_of(fields):
    value = fields.get('conflict', b'fail')
    if value not in CONFLICTS:
        raise Refused('unsupported', 'conflict policy unknown')
    return value.decode('ascii')


def sha256_of(fields):
    return argument_of(fields, 'sha256', SHA256, lambda m: m.group(), True)


def session_of(fields):
    match = SESSION.match(fields.get('session', b''))
    if not match:
        raise Refused('bad-request', 'session is missing or no number')
    return int(match.group(), 16)


class PutOptions:
    """What a put or a bundle says of itself, but for the path."""

    def __init__(self, conflict, size, mode=None, mtime=None, skips_unchanged=False, encoding=None,
                 wants_basis=False, resumes=False):
        self.conflict, self.size, self.mode, self.mtime = conflict, size, mode, mtime
        self.skips_unchanged = skips_unchanged
        self.encoding = encoding            # class of the decoder
        self.wants_basis, self.resumes = wants_basis, resumes


def put_options(fields, decoders):
    return PutOptions(conflict_of(fields), number_of(fields, 'size'), mode_of(fields), mtime_of(fields),
                      option_of(fields, 'unchanged', b'skip'), decoders.of(fields),
                      yes(fields, 'basis'), yes(fields, 'resume'))


def option_of(fields, key, only):
    """Whether a key is given that so far has one value."""
    if key in fields and fields[key] != only:
        raise Refused('unsupported', '%s unknown' % key)
    return key in fields


def yes(fields, key):
    return fields.get(key) == b'1'


def time_text(nanoseconds):
    sign = '-' if nanoseconds < 0 else ''
    whole, fraction = divmod(abs(nanoseconds), 10 ** 9)
    return ('%s%d.%09d' % (sign, whole, fraction)).rstrip('0').rstrip('.')
