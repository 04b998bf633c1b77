"""The command line."""

import argparse
import collections
import os
import signal
import sys
import termios
import threading
import time

from .config import Config
from .discovery import discover
from .log import LEVELS, log
from .paths import Root
from .port import Port
from .wire import PROTOCOL_HIGH, SESSION_S, VERSION


def speed_constant(text):
    value = getattr(termios, 'B' + text, None)
    if not text.isdigit() or value is None:
        raise argparse.ArgumentTypeError('not a line speed: ' + text)
    return value


def arguments_of(argv):
    parser = argparse.ArgumentParser(
        prog='receiver.py', description='Receives files from a Guestwire host over a serial port, '
        'a virtio console or a virtio channel.')
    parser.add_argument('ports', metavar='PORT', nargs='*',
                        help='device to serve, such as /dev/ttyS1 (default: every one that is free)')
    parser.add_argument('--root', metavar='DIR', help='write nothing outside this directory')
    parser.add_argument('--read-only', action='store_true', help='write nothing at all')
    parser.add_argument('--log-level', choices=LEVELS, default='warning')
    parser.add_argument('--speed', metavar='BAUD', type=speed_constant, default=termios.B115200,
                        help='of real serial lines (default: 115200)')
    parser.add_argument('--version', action='version', version='receiver.py %s, protocol %d'
                        % (VERSION, PROTOCOL_HIGH))
    return parser.parse_args(argv)


def session_seconds():
    """Tests of the whole process can't wait 30 s, and no option is worth having for that."""
    try:
        return int(os.environ['GUESTWIRE_TEST_SESSION_TIMEOUT_MS']) / 1000.0
    except (KeyError, ValueError):
        return SESSION_S


def open_ports(options, config):
    """Those that can be served.  If one can't, that's an error for a port that
    was named, and only a remark for one that was found."""
    named = list(collections.OrderedDict.fromkeys(options.ports))
    complain, ports = log.error if named else log.info, []
    for path in named or discover():
        try:
            ports.append(Port(path, config, options.speed))
        except OSError as error:
            complain('%s cannot be served: %s' % (path, error.strerror or error))
    if not ports and not named:
        log.error('no port can be served; name one, such as /dev/ttyS1 (--log-level info says why)')
    return ports


def same_terminal_as_stderr(port):
    try:
        return os.fstat(2).st_rdev == os.fstat(port.device.fd).st_rdev != 0
    except OSError:
        return False


def main(argv=None):
    options = arguments_of(argv)
    log.level = LEVELS.index(options.log_level)
    try:
        config = Config(Root(options.root), options.read_only, session_seconds())
    except OSError as error:
        log.error('--root %s: %s' % (options.root or '.', error.strerror))
        return 2
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    ports = open_ports(options, config)
    if not ports:
        return 1
    for port in ports:
        log.write('serving %s (%s)' % (port.path, port.kind))
    # on the very terminal that is served a log line would be noise in the stream
    log.muted = any(same_terminal_as_stderr(port) for port in ports)
    for port in ports:
        port.start()
    while not stopped.wait(3600):
        pass
    return shut_down(ports, config)


def shut_down(ports, config):
    for port in ports:
        port.stop()
    limit = time.monotonic() + 5.0
    for port in ports:
        port.thread.join(max(0.0, limit - time.monotonic()))
        port.device.close()
    config.overwriting.wait()               # half of a file would be worse than a late end
    config.leftovers.remove_all()           # of a worker that hangs on its disk
    return 0


if __name__ == '__main__':
    code = main()
    sys.stdout.flush()
    os._exit(code)                          # a thread stuck in the kernel must not keep us
