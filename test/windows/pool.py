"""Receivers that several tests use one after the other: to start one takes
seconds under Wine and PowerShell."""

import windows  # noqa: F401  (with it test/guest is found)

import remote
from host import Receiver

idle = []           # receivers without options


def receiver():
    return idle.pop() if idle else Receiver()


def give_back(process):
    idle.append(process)


def close_idle():
    while idle:
        idle.pop().close()


class PooledBench(remote.RemoteBench):
    def start(self, options):
        self.plain = not options
        return receiver() if self.plain else Receiver(*options)

    def close(self):
        if not self.plain:
            self.process.close()
            return
        self.requests.close()
        give_back(self.process)
