"""A serial port, console or channel as the kernel has it."""

import errno
import fcntl
import os
import re
import stat
import termios

from .log import log


def device_of(path):
    """One of DEVICES by what the path leads to."""
    name = os.path.basename(os.path.realpath(path))
    if name.startswith('vport'):
        return 'channel'
    if name.startswith('hvc'):
        return 'console'
    if re.match(r'tty(S|AMA|USB|ACM|O|mxc|SC|UL|PS)[0-9]', name):
        return 'uart'
    if os.path.realpath(path).startswith('/dev/pts/'):
        return 'pty'
    return 'other'


class Device:
    """An open port: raw mode and FIFO trigger, both restored by close."""

    def __init__(self, path, speed):
        self.path = path
        self.kind = device_of(path)
        self._saved = None
        self._trigger = None
        # a channel is opened exclusively by the kernel; O_NONBLOCK also keeps
        # the open of a serial line from waiting for a carrier
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISCHR(os.fstat(self.fd).st_mode):
                raise OSError(errno.ENOTTY, 'not a device')
            self._claim()
            if self.kind != 'channel':
                self._raw(speed)
            if self.kind == 'uart':
                self._raise_trigger()
        except BaseException:
            self.close()
            raise

    def _claim(self):
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(errno.EBUSY, 'another receiver serves it')
        except OSError:
            pass                            # devices without locks

    def _raw(self, speed):
        try:
            settings = termios.tcgetattr(self.fd)
        except termios.error as error:
            if error.args[0] == errno.ENOTTY:
                return                      # not a terminal: nothing to set
            raise OSError(*error.args)
        self._saved = [s if not isinstance(s, list) else list(s) for s in settings]
        settings[0] = termios.IGNBRK
        settings[1] = 0
        control = settings[2] & ~(termios.CSIZE | termios.PARENB | termios.CSTOPB
                                  | getattr(termios, 'CRTSCTS', 0) | termios.HUPCL)
        settings[2] = control | termios.CS8 | termios.CREAD | termios.CLOCAL
        settings[3] = 0
        if self.kind == 'uart' and speed is not None:
            settings[4] = settings[5] = speed
        settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
        try:
            termios.tcsetattr(self.fd, termios.TCSANOW, settings)
        except termios.error as error:
            raise OSError(*error.args)

    def _raise_trigger(self):
        """The UART interrupts once per so many bytes: 14 of 16 gives the
        fastest transfer.  Needs root; without it the transfer is slower."""
        path = '/sys/class/tty/%s/rx_trig_bytes' % os.path.basename(os.path.realpath(self.path))
        try:
            with open(path) as file:
                before = file.read().strip()
            if before != '14':
                with open(path, 'w') as file:
                    file.write('14')
                self._trigger = (path, before)
        except OSError as error:
            log.info('%s: could not change the receive trigger: %s' % (self.path, error.strerror))

    def close(self):
        """Idempotent."""
        if self.fd < 0:
            return
        try:
            if self._trigger is not None:
                with open(self._trigger[0], 'w') as file:
                    file.write(self._trigger[1])
        except OSError:
            pass
        try:
            if self._saved is not None:
                termios.tcsetattr(self.fd, termios.TCSANOW, self._saved)
        except (termios.error, OSError):
            pass                            # the device is gone
        fd, self.fd = self.fd, -1
        os.close(fd)
