"""The requests that send content."""

import collections

from .arguments import number_of, put_options, sha256_of
from .bundle import Bundle
from .errors import Refused
from .incoming import COMMITTING, PREPARING, RECEIVING, Transfer
from .names import sweep_orphans
from .put import Put
from .wire import SWEPT_MAX


class PutRequests:
    """The verbs of one session that send content: `put`, `bundle`, `compare`
    and the `commit` of all three."""

    def __init__(self, requests):
        self._requests = requests
        self._root, self._config = requests.root, requests.config
        self._swept = set()                 # directories that were looked through for orphans
        self._small = []                    # (stream, Put) to be finished together
        self.finishing = set()              # batches of them, each by the number of a stream
        self._bundles = collections.deque() # (stream, Bundle); the first is being written

    # -- put -----------------------------------------------------------------

    def put(self, stream, fields):
        place = self._requests.near.locate(fields['path'])
        put = self._made(place, lambda: Put(place, put_options(fields, self._config.decoders), self._config))
        try:
            skipped = put.begin(self._sweep_due(place))
        except BaseException:
            put.fail()
            put.close()
            raise
        if skipped:
            put.close()
            self._requests.draining.add(stream)
            self._requests.done(stream, [('path', put.place.path), ('skipped', skipped)] + put.left)
            return
        self._requests.open[stream] = put
        if put.incoming.is_offered:
            put.state = PREPARING
            self._requests.finish(lambda: self._prepare(stream, put))
        else:
            self._accept(stream, put)

    @staticmethod
    def _made(place, make):
        """What `make` makes; without it the place is of no use."""
        try:
            return make()
        except Refused:
            place.close()
            raise

    def _accept(self, stream, put):
        put.state = RECEIVING
        incoming = put.incoming
        out = [('path', put.place.path), ('kind', put.kind)]
        if incoming.basis_size is not None:
            out.append(('basis', incoming.basis_size))
        if incoming.is_offered:
            out += [('partial', incoming.received), ('partial-sha256', incoming.hash.hexdigest())]
        self._requests.reply(stream, 'accept', out)

    def _prepare(self, stream, put):
        """In a finisher; what follows from it is the worker's again."""
        failure = None
        try:
            put.incoming.hash_offered(put.fd)
        except Exception as error:
            failure = error
        self._requests.worker.submit(self._prepared, stream, put, failure)

    def _prepared(self, stream, put, failure):
        put.state = RECEIVING               # with the worker again, which may close it
        if not self._requests.is_open(stream, put):
            put.close()                     # the session is gone, or the put was refused since
            return
        try:
            if failure is not None:
                raise failure
            put.incoming.stop_if_cancelled()
            self._accept(stream, put)
        except Exception as error:
            self._requests.fail(stream, error)

    def _sweep_due(self, place):
        """True once per directory and session: listing costs."""
        key = place.identity()
        if key in self._swept:
            return False
        if len(self._swept) >= SWEPT_MAX:
            self._swept.clear()
        self._swept.add(key)
        return True

    # -- bundle and compare --------------------------------------------------

    def bundle(self, stream, fields):
        self._begin_bundle(stream, fields, False)

    def compare(self, stream, fields):
        self._begin_bundle(stream, fields, True)

    def _begin_bundle(self, stream, fields, compares):
        place = self._root.locate(fields['path'] + b'/')
        bundle = self._made(place, lambda: Bundle(place, put_options(fields, self._config.decoders),
                                                  self._config, compares))
        bundle.on_new_folder = self._look_at_folder
        bundle.state = RECEIVING
        self._requests.open[stream] = bundle
        self._requests.reply(stream, 'accept', [('path', place.path)])

    def _look_at_folder(self, place):
        if self._sweep_due(place):
            sweep_orphans(place)

    # -- commit --------------------------------------------------------------

    def commit(self, stream, fields):
        transfer = self._requests.open.get(stream)
        is_transfer = isinstance(transfer, Transfer)
        if is_transfer:
            transfer.has_ended = True
        try:
            if not is_transfer or transfer.state != RECEIVING:
                raise Refused('bad-request', 'commit without a put')
            transfer.incoming.check(number_of(fields, 'size', True), sha256_of(fields))
            if isinstance(transfer, Bundle):
                transfer.begin_writing()
        except Exception as error:
            self._requests.fail(stream, error)
            return
        transfer.state = COMMITTING
        if isinstance(transfer, Bundle):
            self._finish_in_turn(stream, transfer)
        elif transfer.kind == 'device':
            self._finish([(stream, transfer)])  # nothing to flush: no need for another thread
        elif transfer.is_small:
            self._finish_with_others(stream, transfer)
        else:
            self._requests.finish(lambda: self._finish([(stream, transfer)]))

    def _finish_with_others(self, stream, put):
        """The frames that came in one read are in the worker's queue already,
        so what is put behind them finds the small files of all of them."""
        self._small.append((stream, put))
        if len(self._small) == 1:
            self._requests.worker.submit(self._finish_small)

    def _finish_small(self):
        batch, self._small = self._small, []
        number = batch[0][0]                # of a stream: no other batch can have it
        self.finishing.add(number)

        def finish():
            try:
                self._finish(batch)
            finally:
                self.finishing.discard(number)
                self._requests.host.let_go()
        self._requests.finish(finish)

    def _finish(self, batch):
        """Flushes and names every file, then flushes each directory once;
        only after that is anything `done`."""
        failures = {}                       # stream -> why
        for stream, put in batch:
            try:
                put.finish()
            except Exception as error:
                failures[stream] = error
        self._flush_directories(batch, failures)
        for stream, put in batch:
            if stream in failures and getattr(failures[stream], 'code', None) != 'cancelled':
                put.fail()
            put.close()
        if not self._requests.closed:
            self._answer(batch, failures)
            if not self._requests.open:
                self._requests.worker.submit(self._requests.forget_directory)

    @staticmethod
    def _flush_directories(batch, failures):
        flushed = {}                        # identity of the directory -> why it could not be
        for stream, put in batch:
            if stream in failures or put.kind != 'file':
                continue
            key = put.place.identity()
            if key not in flushed:
                flushed[key] = put.place.flush_directory()
            if flushed[key] is not None:
                failures[stream] = flushed[key]

    def _answer(self, batch, failures):
        done = []
        for stream, put in batch:
            if not self._requests.is_open(stream, put):
                continue                    # refused since
            if stream in failures:
                self._requests.fail(stream, failures[stream])
            else:
                self._requests.open.pop(stream, None)
                done.append((stream, 'done', put.answer()))
        if done:
            self._requests.host.reply_all(done)

    def _finish_in_turn(self, stream, bundle):
        """One at a time: several would only compete for the processor, and
        keep the other finishers from those who need them."""
        self._bundles.append((stream, bundle))
        if len(self._bundles) == 1:
            self._write_next_bundle()

    def _write_next_bundle(self):
        stream, bundle = self._bundles[0]

        def write():
            failure = None
            try:
                bundle.finish()
            except Exception as error:
                failure = error
            self._requests.worker.submit(self._written, stream, bundle, failure)
        self._requests.finish(write)

    def _written(self, stream, bundle, failure):
        self._bundles.popleft()
        bundle.close()
        if self._requests.is_open(stream, bundle):  # else the session is gone, or it was refused since
            if failure is None:
                self._requests.done(stream, bundle.answer())
            else:
                self._requests.fail(stream, failure)
            self._requests.forget_directory()
        if self._bundles:
            self._write_next_bundle()
