"""What a peer says is never written raw to somebody's terminal."""

import os

LEVELS = ('error', 'warning', 'info', 'debug')


class Log:
    def __init__(self, level='warning'):
        self.level = LEVELS.index(level)
        self.muted = False

    def write(self, text):
        try:
            os.write(2, (printable(text) + '\n').encode('ascii'))
        except OSError:
            pass                            # nobody listens: no reason to stop serving

    def say(self, level, text):
        if LEVELS.index(level) <= self.level and not self.muted:
            self.write('receiver: %s: %s' % (level, text))

    def error(self, text):
        self.say('error', text)

    def warning(self, text):
        self.say('warning', text)

    def info(self, text):
        self.say('info', text)

    def debug(self, text):
        self.say('debug', text)


def printable(text):
    """ASCII without control characters; everything else is escaped."""
    if isinstance(text, bytes):
        text = text.decode('utf-8', 'surrogateescape')
    return ''.join(c if ' ' <= c <= '~' else ascii(c)[1:-1] for c in text)


log = Log()
