/**
 * A console, channel or upload as a Node Duplex, alone on its connection: while the guest doesn't read, the daemon
 * stops reading the whole socket, calls and aborts included, so nothing else may share it.
 *
 * | event | while open | after our `end()` | after `destroy()` |
 * |---|---|---|---|
 * | data | is pushed; a full buffer pauses the socket | is pushed, unpaused: the wait bounds it | is dropped |
 * | the device's end | ends the readable side | the same | is ignored |
 * | finished | is nothing we asked for: an error | all bytes are taken: closed | closed |
 * | refused, or the connection's end | an error | an error, unless the device had ended | closed |
 * | no answer in time | | an error `stalled` | closed |
 */
import { Duplex } from 'node:stream';
import { GOODBYE_TIMEOUT_MS, STATUS_ERROR, STATUS_OK } from './constants.ts';
import { LibvirtError } from './errors.ts';
import type { Ticket } from './pendingCalls.ts';
import type { RpcConnection, StreamSink } from './rpc.ts';
import { packStream } from './streamPackets.ts';
import type { LibvirtStream } from './types.ts';

/** Two full packets: one in the socket while the next is being gathered. */
const WRITE_BUFFER_BYTES = 512 * 1024;
/** One full packet. */
const READ_BUFFER_BYTES = 256 * 1024;

/** What differs between a device and an upload: how long the end may take, and the words for what goes wrong. */
export interface StreamNature {
  readonly endTimeoutMs: number;
  /** The daemon ended the stream, for this reason. */
  readonly failed: (error: LibvirtError) => LibvirtError;
  /** Our end was not confirmed in time. */
  readonly unconfirmed: () => LibvirtError;
}

const DEVICE: StreamNature = {
  endTimeoutMs: GOODBYE_TIMEOUT_MS,
  failed: error =>
    new LibvirtError(
      'stream-failed',
      `libvirt ended the stream (${error.message}): the domain was stopped, or another client took the device.`,
      { number: error.number, domain: error.domain, cause: error },
    ),
  unconfirmed: () =>
    new LibvirtError('stalled', 'The guest did not read the last bytes in time; they may be lost.'),
};

export class RpcStream extends Duplex implements LibvirtStream, StreamSink {
  readonly #rpc: RpcConnection;
  readonly #ticket: Ticket;
  readonly #nature: StreamNature;
  /** The daemon has let go of the device, so there is nothing to abort. */
  #over = false;
  #ended = false;
  #stalled = false;
  /** Whoever awaits the stream has had a chance to listen; before that an error would go unheard. */
  #handedOver = false;
  #onGoodbye: ((error?: LibvirtError) => void) | undefined;

  constructor(rpc: RpcConnection, ticket: Ticket, nature: StreamNature = DEVICE) {
    super({
      allowHalfOpen: false,
      writableHighWaterMark: WRITE_BUFFER_BYTES,
      readableHighWaterMark: READ_BUFFER_BYTES,
    });
    this.#rpc = rpc;
    this.#ticket = ticket;
    this.#nature = nature;
    rpc.attachStream(ticket, this);
    setImmediate(() => {
      this.#handedOver = true;
    });
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  /** The readable side has room again. */
  override _read(): void {
    this.#rpc.resumeReading();
  }

  /** The callback comes when the kernel has the bytes, so back-pressure is the socket's own. */
  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#rpc.sendPackets(packStream(this.#ticket, [chunk]), callback);
  }

  /** What was written while the socket was busy, or corked: many small writes make few packets. */
  override _writev(
    chunks: Array<{ chunk: Buffer; encoding: BufferEncoding }>,
    callback: (error?: Error | null) => void,
  ): void {
    const buffers = chunks.map(({ chunk }) => chunk);
    this.#rpc.sendPackets(packStream(this.#ticket, buffers), callback);
  }

  /** The daemon's confirmation means that the device, or the volume, has taken every byte. */
  override _final(callback: (error?: Error | null) => void): void {
    if (this.#over) {
      callback();
      return;
    }
    // What the guest still says comes before the confirmation, and is bounded by the wait for it.
    this.#rpc.resumeReading();
    this.#goodbye(STATUS_OK, this.#nature.endTimeoutMs, error => {
      if (error === undefined) this.#endReading();
      callback(error);
    });
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    // A finish under way isn't waited for any more; nor can a stalled daemon hear an abort.
    if (this.#over || this.#stalled || this.#rpc.closed || this.#onGoodbye !== undefined) {
      this.#drop();
      callback(error);
      return;
    }
    this.#rpc.resumeReading();
    this.#goodbye(STATUS_ERROR, GOODBYE_TIMEOUT_MS, () => {
      this.#drop();
      callback(error);
    });
  }

  /** While a goodbye is under way the answer to it stands behind this data, so reading can't be paused. */
  onData(bytes: Buffer): void {
    if (this.#ended || this.destroyed) return;
    if (!this.push(bytes) && this.#onGoodbye === undefined) this.#rpc.pauseReading();
  }

  onEnd(): void {
    this.#endReading();
    // The device is gone: what was not written by now never will be.
    setTimeout(() => {
      if (this.#over || this.destroyed || this.writableLength === 0) return;
      this.destroy(new LibvirtError('stream-failed', 'The device was closed before it took all bytes.'));
    }, GOODBYE_TIMEOUT_MS).unref();
  }

  /** The daemon confirms a finish and an abort alike, by a packet without payload. */
  onFinished(): void {
    this.#over = true;
    if (this.#onGoodbye !== undefined) this.#onGoodbye();
    else
      this.destroy(new LibvirtError('protocol', "libvirt's daemon ended the stream without being asked to."));
    this.#rpc.close();
  }

  onRefused(error: LibvirtError): void {
    this.onError(this.#nature.failed(error));
  }

  onError(error: LibvirtError): void {
    if (!this.#handedOver) {
      setImmediate(() => this.onError(error));
      return;
    }
    this.#over = true;
    // After its end nothing was expected of the device any more, so its failing to finish is none.
    if (this.#onGoodbye !== undefined) this.#onGoodbye(this.#ended ? undefined : error);
    else this.destroy(error);
    // Afterwards, for closing also fails the write under way, with an error that says less.
    this.#rpc.close();
  }

  /** Not in the middle of the parser's work, where a listener's fault would be taken for the daemon's. */
  onStalled(stalled: boolean): void {
    this.#stalled = stalled;
    process.nextTick(() => this.emit(stalled ? 'stalled' : 'resumed'));
  }

  #endReading(): void {
    if (this.#ended || this.destroyed) return;
    this.#ended = true;
    this.push(null);
  }

  /** Sends finish or abort and waits for the answer, but not for long. */
  #goodbye(status: number, timeoutMs: number, done: (error?: LibvirtError) => void): void {
    const timer = setTimeout(() => {
      // Nor would it hear an abort after this: destroying, which follows, drops the connection at once.
      this.#over = true;
      this.#onGoodbye?.(this.#nature.unconfirmed());
    }, timeoutMs);
    this.#onGoodbye = error => {
      clearTimeout(timer);
      this.#onGoodbye = undefined;
      done(error);
    };
    this.#rpc.sendStreamStatus(this.#ticket, status);
  }

  #drop(): void {
    this.#over = true;
    this.#onGoodbye = undefined;
    this.#rpc.close();
  }
}
