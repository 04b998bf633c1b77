"""The threads that do slow work."""

import collections
import threading
import time

from .log import log
from .wire import FINISHERS


class Bell:
    """A semaphore of one.  (Condition makes a lock for every wait, and
    queue.SimpleQueue came with Python 3.7.)"""

    def __init__(self):
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self):
        try:
            self._lock.release()
        except RuntimeError:
            pass                            # rung already

    def wait(self):
        self._lock.acquire()


class Worker:
    """Runs jobs in order in one thread, and long ones in a few others."""

    def __init__(self, name):
        self._jobs = collections.deque()
        self._long = collections.deque()
        self._bell = Bell()
        self._gathering = False
        self._long_ready = threading.Condition(threading.Lock())
        self._idle_finishers = 0
        self._finishers = []
        self._stopping = False
        self._name = name
        self.on_rest = lambda: None         # called when no job is left
        self._thread = threading.Thread(target=self._run, name=name + '-worker', daemon=True)
        self._thread.start()

    def submit(self, job, *arguments):
        self._jobs.append((job, arguments))
        if not self._gathering:             # looked at behind the append: see __exit__
            self._bell.ring()

    def __enter__(self):
        """What is submitted until __exit__ is handed over at once, because a
        switch between threads costs as much as a small frame.

        No lock guards `_gathering`: `submit` appends before it reads the flag,
        `__exit__` clears the flag before it looks at the queue, and the GIL
        keeps both orders.  So one of the two rings the bell."""
        self._gathering = True

    def __exit__(self, *_):
        self._gathering = False             # before the look for what others submitted meanwhile
        if self._jobs:
            self._bell.ring()

    def submit_long(self, job):
        with self._long_ready:
            self._long.append(job)
            if not self._idle_finishers and len(self._finishers) < FINISHERS:
                thread = threading.Thread(target=self._run_long, name=self._name + '-finisher',
                                          daemon=True)
                self._finishers.append(thread)
                thread.start()
            self._long_ready.notify()

    def stop(self, limit):
        """Lets what was submitted end, but waits no longer than `limit`."""
        self._stopping = True
        self._bell.ring()
        self._thread.join(max(0.0, limit - time.monotonic()))
        with self._long_ready:
            self._long_ready.notify_all()
        for thread in self._finishers:
            thread.join(max(0.0, limit - time.monotonic()))

    def _run(self):
        while True:
            self._bell.wait()
            while self._jobs:
                job, arguments = self._jobs.popleft()
                run_guarded(job, *arguments)
                job = arguments = None      # a view kept here would keep its buffer
            run_guarded(self.on_rest)
            if self._stopping and not self._jobs:
                return

    def _run_long(self):
        while True:
            with self._long_ready:
                while not self._long:
                    if self._stopping:
                        return
                    self._idle_finishers += 1
                    self._long_ready.wait()
                    self._idle_finishers -= 1
                job = self._long.popleft()
            run_guarded(job)


def run_guarded(job, *arguments):
    try:
        job(*arguments)
    except Exception as error:              # a defect must not end the thread
        log.error('defect: %s: %s' % (type(error).__name__, error))
