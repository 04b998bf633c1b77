"""Runs a program to which the kernel refuses some calls with EPERM, as vfat does with modes and times.

    python3 refusing.py mode,times,owner,xattr,access COMMAND...

What a file system says can't be provoked where the kernel has no such file system."""

import ctypes
import os
import platform
import struct
import sys

# of x86-64: chmod, fchmod, fchmodat, fchmodat2; utime, utimes, futimesat, utimensat; chown, fchown, lchown, fchownat;
# setxattr, lsetxattr, fsetxattr; access, faccessat, faccessat2
CALLS = {'mode': (90, 91, 268, 452), 'times': (132, 235, 261, 280), 'owner': (92, 93, 94, 260), 'xattr': (188, 189, 190),
         'access': (21, 269, 439)}
SUPPORTED = platform.machine() == 'x86_64' and sys.platform == 'linux'

LOAD_NUMBER, EQUAL, RETURN = 0x20, 0x15, 0x06       # of BPF; the number of the call is the first word
ALLOW, REFUSE = 0x7fff0000, 0x00050000 | 1          # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with EPERM
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2


def refuse(numbers):
    lines = [(LOAD_NUMBER, 0, 0, 0)]
    lines += [(EQUAL, len(numbers) - n, 0, number) for n, number in enumerate(numbers)]
    lines += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in lines))
    program = ctypes.create_string_buffer(struct.pack('HP', len(lines), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SET_SECCOMP, FILTER, ctypes.addressof(program), 0, 0)):
        if libc.prctl(*[ctypes.c_ulong(one) for one in arguments]):
            raise OSError(ctypes.get_errno(), 'prctl')


def wrapper(*kinds):
    """What stands before a command that is to run so."""
    return [sys.executable, os.path.abspath(__file__), ','.join(kinds)]


if __name__ == '__main__':
    refuse([number for kind in sys.argv[1].split(',') for number in CALLS[kind]])
    os.execvp(sys.argv[2], sys.argv[2:])
