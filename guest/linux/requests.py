"""The requests of a session (PROTOCOL.md, section 5)."""

from .arguments import session_of, yes
from .errors import Refused, refused
from .file_requests import FileRequests
from .incoming import COMMITTING, OVER, PREPARING, IncomingStream, Transfer
from .log import log, printable
from .paths import LastDirectory
from .put_requests import PutRequests
from .signature import Signature, SignatureRequests
from .text import BadText, read_text
from .wire import OFFSET, SENDING, STREAMS


class Requests:
    """The requests of one session, here `host`: its `reply` and `reply_data`
    may be called from any thread.  A stream is freed before its answer goes
    out.  Runs in the worker; knows nothing of frames but their type, stream
    and payload."""

    def __init__(self, config, host, worker, streams=STREAMS):
        self.config, self.root = config, config.root
        self.host, self.worker = host, worker
        self.reply, self.finish = host.reply, worker.submit_long
        self.streams = streams
        self.open = {}                      # stream -> Put, Bundle, Signature or BUSY
        self.draining = set()               # streams whose put was answered early
        self.closed = False
        self.near = LastDirectory(self.root)
        self._puts, self._files = PutRequests(self), FileRequests(self)
        self._signatures = SignatureRequests(self)
        self.verbs = {'stat': self._files.stat, 'put': self._puts.put, 'mkdir': self._files.mkdir,
                      'symlink': self._files.symlink, 'attributes': self._files.attributes,
                      'signature': self._signatures.begin, 'join': self._join,
                      'bundle': self._puts.bundle, 'compare': self._puts.compare}

    def stop(self):
        """From any thread: the session is gone, so work on its puts stops."""
        for request in list(self.open.values()):
            if isinstance(request, Transfer):
                request.stop(True)

    def stop_put(self, stream, payload):
        """From any thread: a `cancel` is on its way to us behind frames that
        may take long."""
        request = self.open.get(stream)
        if isinstance(request, Transfer):
            request.stop(b'\nkeep=1\n' in payload)

    def close(self):
        """The session is gone: nothing unfinished stays but partial files."""
        self.closed = True
        self.stop()
        for request in list(self.open.values()):
            if isinstance(request, Transfer) and request.is_with_worker:
                request.close()
        self.open.clear()
        self.draining.clear()
        self.near.forget()

    def is_open(self, stream, request):
        """Whether it still has to be answered."""
        return not self.closed and self.open.get(stream) is request

    @property
    def are_finishing(self):
        """Whether small files are being flushed, whose answers come soon."""
        return bool(self._puts.finishing)

    # -- frames --------------------------------------------------------------

    def data(self, stream, payload, encoded=False):
        take = IncomingStream.write_encoded if encoded else IncomingStream.write
        self._content(stream, payload, take)

    def copy(self, stream, payload):
        self._content(stream, payload, IncomingStream.copy)

    def _content(self, stream, payload, take):
        transfer = self.open.get(stream)
        if not isinstance(transfer, Transfer) or transfer.state in (COMMITTING, OVER):
            return                          # draining, or nothing there
        try:
            if len(payload) < OFFSET.size:
                raise Refused('bad-request', 'no offset')
            if transfer.state == PREPARING:
                raise Refused('bad-request', 'data before accept')
            take(transfer.incoming, OFFSET.unpack_from(payload)[0], payload[OFFSET.size:])
        except Exception as error:
            self.fail(stream, error)
            self.forget_directory()

    def control(self, stream, payload):
        try:
            verb, fields = read_text(payload)
        except BadText as error:
            self._invalid(stream, payload, error)
            return
        if verb == 'cancel':
            self._cancel(stream, yes(fields, 'keep'))
        elif stream in self.draining:
            if verb == 'commit':
                self.draining.discard(stream)
        elif verb == 'commit':
            self._puts.commit(stream, fields)
        else:
            self._begin(stream, verb, fields)
        self.forget_directory()

    def forget_directory(self):
        """In the worker: with nothing under way no directory stays open, so
        that its file system can be unmounted."""
        if not self.open:
            self.near.forget()

    def unknown(self, stream):
        self.fail(stream, Refused('unsupported', 'frame type unknown'))

    # -- ends ----------------------------------------------------------------

    def fail(self, stream, error):
        """The final `error` of a stream.  If its put is still being sent,
        the rest of it is dropped until commit or cancel."""
        if isinstance(error, OSError):
            error = refused(error, None)
        elif not isinstance(error, Refused):
            log.error('defect: %s: %s' % (type(error).__name__, error))
            error = Refused('internal', '%s: %s' % (type(error).__name__, error))
        request = self.open.pop(stream, None)
        if isinstance(request, Transfer):
            if error.path is None:
                error.path = request.place.path
            self._end(stream, request, error)
        elif isinstance(request, Signature):
            request.is_cancelled = True
        log.info('%s%s: %s' % (error.code, ' ' + printable(error.path) if error.path else '',
                               error.message))
        self.reply(stream, 'error', error.fields())

    def _end(self, stream, transfer, error):
        if error.code != 'cancelled':
            transfer.fail()
        if not transfer.has_ended:
            self.draining.add(stream)
        if transfer.is_with_worker:
            transfer.close()
        else:
            transfer.stop(False)            # its finisher stops, and closes it

    def done(self, stream, fields):
        self.open.pop(stream, None)
        self.reply(stream, 'done', fields)

    def _invalid(self, stream, payload, error):
        head = bytes(payload[:8])
        if stream in self.draining:
            if head.startswith((b'commit\n', b'cancel\n')):
                self.draining.discard(stream)
            return
        if head.startswith(tuple(verb.encode('ascii') + b'\n' for verb in SENDING)) and stream not in self.open:
            self.draining.add(stream)
        self.fail(stream, Refused('bad-request', str(error)))
        if head.startswith((b'commit\n', b'cancel\n')):
            self.draining.discard(stream)

    # -- begin ---------------------------------------------------------------

    def _begin(self, stream, verb, fields):
        if stream in self.open or stream == 0:
            self.fail(stream, Refused('bad-request', '%s on a stream in use' % verb if stream
                                      else 'stream 0'))
            return
        try:
            if len(self.open) + len(self.draining) >= self.streams:
                raise Refused('too-many', 'more than %d requests at once' % self.streams)
            if verb not in self.verbs:
                raise Refused('unsupported', 'verb %s is unknown' % verb)
            if self.config.read_only and verb not in ('stat', 'signature', 'join'):
                raise Refused('read-only', 'the receiver is in read-only mode', fields.get('path'))
            if 'path' not in fields and verb != 'join':
                raise Refused('bad-request', 'path is missing')
            self.verbs[verb](stream, fields)
        except Exception as error:
            if verb in SENDING and stream not in self.open:
                self.draining.add(stream)
            self.fail(stream, error)

    def _cancel(self, stream, keep):
        request = self.open.get(stream)
        if stream in self.draining:
            self.draining.discard(stream)
        elif isinstance(request, Signature):
            request.is_cancelled = True
        elif isinstance(request, Transfer):
            request.stop(keep)              # a finisher looks at it before it renames
            request.has_ended = True
            if request.is_with_worker:
                self.fail(stream, Refused('cancelled', 'cancelled'))

    def _join(self, stream, fields):
        self.host.join(session_of(fields))
        self.done(stream, [])
