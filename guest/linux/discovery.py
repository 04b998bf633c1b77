"""Which ports to serve: the channel, extra serial ports, a console nobody uses."""

import os
import re
import stat

from .log import log

CHANNEL_NAME = 'org.guestwire.0'


def read_file(path):
    try:
        with open(path, errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def listed(directory):
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def find_channels():
    link = '/dev/virtio-ports/' + CHANNEL_NAME
    if os.path.exists(link):
        return [link]
    # without udev there are no links
    base = '/sys/class/virtio-ports'
    return ['/dev/' + port for port in listed(base)
            if read_file('%s/%s/name' % (base, port)).strip() == CHANNEL_NAME]


def find_serial_ports():
    """Names below /dev of UARTs that have hardware behind them, in order."""
    found = []
    for name in listed('/sys/class/tty'):
        match = re.match(r'(ttyS|ttyAMA)([0-9]+)\Z', name)
        if match and read_file('/sys/class/tty/%s/type' % name).strip() != '0':
            found.append((match.group(1) != 'ttyS', int(match.group(2)), name))
    return [name for _, _, name in sorted(found)]


def find_consoles():
    return [name for name in listed('/sys/class/tty') if re.match(r'hvc[0-9]+\Z', name)]


def kernel_consoles():
    names = set(read_file('/sys/class/tty/console/active').split())
    for line in read_file('/proc/consoles').splitlines():
        names.update(line.split()[:1])
    return names


def processes_using(path):
    """Ids of other processes that have a terminal open or are controlled by
    it: a login, a shell, another program."""
    try:
        target = os.stat(path).st_rdev
    except OSError:
        return []
    major, minor = os.major(target), os.minor(target)
    return [int(pid) for pid in listed('/proc')
            if pid.isdigit() and int(pid) != os.getpid() and uses(pid, target, major, minor)]


def uses(pid, target, major, minor):
    fields = read_file('/proc/%s/stat' % pid).rpartition(')')[2].split()
    if len(fields) > 4 and fields[4].lstrip('-').isdigit():
        number = int(fields[4]) & 0xffffffff        # tty_nr of the controlling terminal
        if ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00)) == (major, minor):
            return True
    for fd in listed('/proc/%s/fd' % pid):
        try:
            found = os.stat('/proc/%s/fd/%s' % (pid, fd))
        except OSError:
            continue
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == target:
            return True
    return False


def discover():
    """Paths of the ports to serve when none was named."""
    channels = find_channels()
    if not channels:
        log.info('no virtio channel %s' % CHANNEL_NAME)
    serial = find_serial_ports()
    extra = [n for n in serial if n not in ('ttyS0', 'ttyAMA0')]
    rest = find_consoles() + [n for n in serial if n not in extra]
    used, found = kernel_consoles(), list(channels)
    for name in extra + rest:
        path = '/dev/' + name
        if name in used:
            log.info('%s is left alone: the kernel writes its messages there' % path)
            continue
        holders = processes_using(path)
        if holders:
            log.info('%s is left alone: process %d uses it' % (path, holders[0]))
            continue
        found.append(path)
    return found
