"""What the tests of receiver.py share."""

import hashlib
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.normpath(os.path.join(HERE, '..', '..'))

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(REPOSITORY, 'dist', 'guest'))

try:
    import receiver  # noqa: E402  (only now can it be found)
except ImportError as error:
    sys.exit('%s: build the receivers first, by "node guest/assemble.mjs"' % error)

SEED = int(os.environ.get('GUESTWIRE_TEST_SEED', '20240607'))


def vectors(name):
    with open(os.path.join(REPOSITORY, 'test', 'vectors', name)) as file:
        return json.load(file)


def trace_frames():
    return [step for step in vectors('trace.json')['steps'] if step['kind'] == 'frame']


def fields_of(frame):
    """A receiver's frame as the vectors write one."""
    return {'type': frame.type, 'flags': frame.flags, 'stream': frame.stream,
            'session': frame.session, 'sequence': frame.sequence, 'payload': bytes(frame.payload).hex()}


def parse(parser, data):
    """Takes any number of bytes and returns the frames, their payloads as copies."""
    found, data = [], memoryview(data)
    while len(data):
        space = parser.space()
        count = min(len(space), len(data))
        space[:count] = data[:count]
        parser.filled(count)
        data = data[count:]
        found.extend(f._replace(payload=bytes(f.payload), chunk=None) for f in parser.frames())
    return found


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def partial_of(folder, name=b'f'):
    """The name of the partial file that is kept for a name in a folder; one that nothing has if there's none."""
    stem = receiver.partial_name(name).decode()[:-len('.partial')] + '-'
    found = [one for one in os.listdir(folder) if one.startswith(stem) and one.endswith('.partial')]
    return found[0] if found else stem + '0.partial'


def make_own(folder, name):
    """Gives a file that has the first part of a receiver's name the whole of it."""
    stem, _, ending = name.rpartition('.')
    path = os.path.join(folder, name)
    own = '%s-%x.%s' % (stem, os.lstat(path).st_ino, ending)
    os.rename(path, os.path.join(folder, own))
    return own


class InlineWorker:
    """Runs every job at once, in the caller's thread: no races, no waits."""

    def submit(self, job, *arguments):
        job(*arguments)

    def submit_long(self, job):
        job()

    def stop(self, limit):
        pass


class HeldWorker(InlineWorker):
    """Keeps jobs until told to run them: a disk that hangs."""

    def __init__(self):
        self.jobs = []

    def submit(self, job, *arguments):
        self.jobs.append((job, arguments))

    def submit_long(self, job):
        self.jobs.append((job, ()))

    def run(self, count=None):
        while self.jobs and count != 0:
            job, arguments = self.jobs.pop(0)
            job(*arguments)
            count = None if count is None else count - 1


class Bench:
    """Requests without any protocol around them."""

    def __init__(self, root=None, read_only=False, worker=None):
        self.answers = []
        self.stream = 0
        self.worker = worker or InlineWorker()
        self.config = receiver.Config(receiver.Root(root), read_only)
        self.frame = 4096
        self.received = {}                  # stream -> what came as DATA
        self.requests = receiver.Requests(self.config, self, self.worker)

    def reply(self, stream, verb, fields):
        fields = {k: v if isinstance(v, bytes) else str(v).encode() for k, v in fields}
        self.answers.append((stream, verb, fields))

    def reply_all(self, replies):
        for stream, verb, fields in replies:
            self.reply(stream, verb, fields)

    def let_go(self):
        pass

    def reply_data(self, stream, payload):
        """Keeps the bytes, and looks whether the offsets are right."""
        before = self.received.get(stream, b'')
        assert receiver.OFFSET.unpack_from(payload)[0] == len(before), 'offset'
        assert len(payload) <= self.frame and len(payload) > 8
        self.received[stream] = before + payload[8:]

    def queued(self):
        return 0

    def send(self, stream, verb, **fields):
        """The answers the frame led to."""
        before = len(self.answers)
        self.requests.control(stream, receiver.write_text(
            verb, [(k.replace('_', '-'), v) for k, v in fields.items()]))
        return self.answers[before:]

    def ask(self, verb, **fields):
        """(verb, fields) of the only answer to a request."""
        self.stream += 1
        answers = self.send(self.stream, verb, **fields)
        assert len(answers) == 1 and answers[0][0] == self.stream, answers
        return answers[0][1:]

    def code(self, verb, **fields):
        """The error code a request ends in, or its verb."""
        answer, out = self.ask(verb, **fields)
        return out['code'].decode() if answer == 'error' else answer

    def data(self, stream, content, offset=0, encoded=False):
        before = len(self.answers)
        self.requests.data(stream, memoryview(receiver.OFFSET.pack(offset) + content), encoded)
        return self.answers[before:]

    def copy(self, stream, offset, *ranges):
        before = len(self.answers)
        payload = receiver.OFFSET.pack(offset) + b''.join(receiver.COPY_RANGE.pack(*r) for r in ranges)
        self.requests.copy(stream, memoryview(payload))
        return self.answers[before:]

    def put(self, path, content, step=65000, **fields):
        """(verb, fields) of the final answer of a whole put."""
        fields.setdefault('size', len(content))
        self.stream += 1
        before = len(self.answers)
        self.send(self.stream, 'put', path=path, **fields)
        for at in range(0, len(content), step):
            self.data(self.stream, content[at:at + step], at)
        self.send(self.stream, 'commit', size=len(content), sha256=sha256(content))
        return [a for a in self.answers[before:] if a[1] != 'accept'][0][1:]

    def put_code(self, path, content=b'content', **fields):
        verb, out = self.put(path, content, **fields)
        return out['code'].decode() if verb == 'error' else verb

    def close(self):
        self.requests.close()
        os.close(self.config.root.fd)
